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
  description = "Time-out of processor, feedback and repair. Their queues' visibility timeout is six times this. 5, 10, 30, 60 or 120, as the alarms know them."
  type        = number
  default     = 60
}

variable "reconciler_timeout_seconds" {
  description = "Time-out of the reconciler. An erasure takes longer than this. 60 or 300, as the alarms know them."
  type        = number
  default     = 300
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
}

variable "max_receive_count" {
  description = "Attempts at a notification before it moves to the dead-letter queue."
  type        = number
  default     = 12
}

variable "give_up_hours" {
  description = "Age at which a feedback that Visma Net has not accepted is parked. Below 168, the queue's retention."
  type        = number
  default     = 24
}

variable "reconcile_minutes" {
  description = "Minutes between two sweeps, 720 at most, for the alarm watches twice as long."
  type        = number
  default     = 15
}

variable "concurrency" {
  description = "Batches in work at the same time."
  type        = object({ processor = number, feedback = number, repair = number })
  default     = { processor = 10, feedback = 2, repair = 2 }
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
    condition     = var.retention_days >= 15
    error_message = "A redrive has to find its record: 15 days at least."
  }
}

variable "audit_retention_days" {
  type    = number
  default = 400
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
