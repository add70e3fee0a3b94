variable "name" {
  description = "What every name begins with, as the stack's name does with the template."
  type        = string
  default     = "visma-net-webhooks"
  validation {
    # The longest name is that of the schedule's role. A role's name has 64 characters at most.
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{2,43}$", var.name))
    error_message = "A letter, then letters, digits and hyphens: 3 to 44 characters."
  }
}

variable "zip" {
  description = "Where a function's archive is; %s is its name. As `cargo lambda build --output-format zip` writes it."
  type        = string
  default     = "../../target/lambda/%s/bootstrap.zip"
}

variable "architecture" {
  description = "Processor architecture the archives are for, arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "worker_timeout_seconds" {
  description = "Time-out of processor, feedback and repair. Their queues' visibility timeout is six times this."
  type        = number
  default     = 60
  validation {
    condition     = contains([5, 10, 30, 60, 120], var.worker_timeout_seconds)
    error_message = "5, 10, 30, 60 or 120: the alarms know no other."
  }
}

variable "reconciler_timeout_seconds" {
  description = "Time-out of the reconciler. An erasure takes longer than this."
  type        = number
  default     = 300
  validation {
    condition     = contains([60, 300], var.reconciler_timeout_seconds)
    error_message = "60 or 300: the alarms know no other."
  }
}

variable "log_level" {
  description = "Least severe level the functions log."
  type        = string
  default     = "INFO"
}

variable "system_log_level" {
  description = "Least severe level Lambda itself logs."
  type        = string
  default     = "WARN"
}

variable "tracing" {
  description = "Active, or PassThrough to begin no traces."
  type        = string
  default     = "Active"
}

variable "log_retention_days" {
  type    = number
  default = 30
}

variable "throttling" {
  description = "Requests a second and at once that the API accepts, and of them the health route."
  type        = object({ rate = number, burst = number, health_rate = number, health_burst = number })
  default     = { rate = 500, burst = 1000, health_rate = 10, health_burst = 20 }
}

variable "retry_base_seconds" {
  type    = number
  default = 30
  validation {
    condition     = var.retry_base_seconds >= 1 && var.retry_base_seconds <= 900
    error_message = "1 to 900."
  }
}

variable "max_receive_count" {
  description = "Attempts at a notification before it moves to the dead-letter queue."
  type        = number
  default     = 12
  validation {
    condition     = var.max_receive_count >= 2 && var.max_receive_count <= 1000
    error_message = "2 to 1000."
  }
}

variable "give_up_hours" {
  description = "Age at which a feedback that Visma Net has not accepted is parked. Below 168, the queue's retention."
  type        = number
  default     = 24
  validation {
    condition     = var.give_up_hours >= 1 && var.give_up_hours <= 144
    error_message = "1 to 144."
  }
}

variable "reconcile_minutes" {
  description = "Minutes between two sweeps. The alarm watches twice as long, and a day at most."
  type        = number
  default     = 15
  validation {
    condition     = var.reconcile_minutes >= 2 && var.reconcile_minutes <= 720
    error_message = "2 to 720."
  }
}

variable "concurrency" {
  description = "Batches in work at the same time."
  type        = object({ processor = number, feedback = number, repair = number })
  default     = { processor = 10, feedback = 2, repair = 2 }
  validation {
    condition     = alltrue([for own in values(var.concurrency) : own >= 2 && own <= 1000])
    error_message = "2 to 1000 each, as Lambda takes it."
  }
}

variable "reserved_concurrency" {
  description = "What functions reserve of the account's concurrency, by name. A new account can reserve none."
  type        = map(number)
  default     = {}
}

variable "retention_days" {
  description = "Days that the ledger is kept. More than the 14 of a dead-letter queue."
  type        = number
  default     = 90
  validation {
    condition     = var.retention_days >= 15 && var.retention_days <= 3650
    error_message = "15 to 3650: a redrive has to find its record."
  }
}

variable "audit_retention_days" {
  type    = number
  default = 400
  validation {
    condition     = var.audit_retention_days >= 1 && var.audit_retention_days <= 3650
    error_message = "1 to 3650."
  }
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "Key of your own for queues, table, secret and logs. infra/DEPLOY.md has what its policy must allow."
  type        = string
  default     = null
}

variable "operations" {
  description = "Who lets requests in to the operations API: tokens of an issuer. Without it there is neither the API nor the repair function."
  type = object({
    issuer               = string
    audience             = list(string)
    role_claim           = optional(string, "scope")
    role_prefix          = optional(string, "visma-webhooks/")
    console_client_id    = optional(string, "")
    console_scope        = optional(string, "openid")
    console_token_origin = optional(string, "")
  })
  default = null
}

variable "ticket_topic_arn" {
  description = "SNS topic for alarms that somebody looks at during the day."
  type        = string
  default     = ""
}

variable "page_topic_arn" {
  description = "SNS topic for the alarm that wakes somebody up."
  type        = string
  default     = ""
}

variable "silence_hours" {
  description = "Hours without a single accepted notification until an alarm. 0 switches it off."
  type        = number
  default     = 0
  validation {
    condition     = var.silence_hours >= 0 && var.silence_hours <= 168
    error_message = "0 to 168."
  }
}

variable "spike_requests_per_minute" {
  type    = number
  default = 3000
}

variable "layers" {
  description = "Layers of every function, such as a vendor's extension. See infra/MONITORING.md."
  type        = list(string)
  default     = []
}

variable "environment" {
  description = "Variables that every function has besides its own, such as those of an extension."
  type        = map(string)
  default     = {}
}
