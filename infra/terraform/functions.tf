locals {
  has_operations = var.operations != null
  # So that the functions below can be written down whether they are deployed or not.
  operations = local.has_operations ? var.operations : {
    issuer               = ""
    audience             = []
    role_claim           = ""
    role_prefix          = ""
    console_client_id    = ""
    console_scope        = ""
    console_token_origin = ""
  }

  url      = { for name, queue in aws_sqs_queue.queue : name => queue.url }
  dead_url = { for name, queue in aws_sqs_queue.dead_letter : name => queue.url }
  secret   = aws_secretsmanager_secret.settings.arn
  table    = aws_dynamodb_table.table.name

  # For the console's links to log lines and traces.
  partition  = data.aws_partition.current.partition
  log_groups = join(",", [for name in ["intake", "processor", "feedback", "reconciler", "operations", "repair"] : "/aws/lambda/${var.name}-${name}"])

  functions = {
    intake = {
      description = "Verifies a delivery, stores its bytes in the notifications queue and acknowledges it."
      timeout     = 10
      environment = {
        SETTINGS_SECRET_ID      = local.secret
        NOTIFICATIONS_QUEUE_URL = local.url.notifications
      }
    }
    processor = {
      description = "Records each notification once, fetches its resource, publishes the event and asks for the feedback."
      timeout     = var.worker_timeout_seconds
      environment = {
        SETTINGS_SECRET_ID      = local.secret
        TABLE_NAME              = local.table
        NOTIFICATIONS_QUEUE_URL = local.url.notifications
        EVENTS_QUEUE_URL        = local.url.events
        FEEDBACK_QUEUE_URL      = local.url.feedback
        MAX_RECEIVE_COUNT       = var.max_receive_count
        RETRY_BASE_SECONDS      = var.retry_base_seconds
        RETENTION_DAYS          = var.retention_days
      }
    }
    feedback = {
      description = "Posts notification feedback to Visma Net at the pace each tenant's quota allows."
      timeout     = var.worker_timeout_seconds
      environment = {
        SETTINGS_SECRET_ID             = local.secret
        TABLE_NAME                     = local.table
        FEEDBACK_QUEUE_URL             = local.url.feedback
        FEEDBACK_DEAD_LETTER_QUEUE_URL = local.dead_url.feedback
        RETRY_BASE_SECONDS             = var.retry_base_seconds
        RETENTION_DAYS                 = var.retention_days
        GIVE_UP_HOURS                  = var.give_up_hours
      }
    }
    reconciler = {
      description = "Finds changes in the ERP whose webhook never arrived, and stuck work."
      timeout     = var.reconciler_timeout_seconds
      environment = {
        SETTINGS_SECRET_ID      = local.secret
        TABLE_NAME              = local.table
        NOTIFICATIONS_QUEUE_URL = local.url.notifications
        FEEDBACK_QUEUE_URL      = local.url.feedback
        REPAIRS_QUEUE_URL       = local.url.repairs
        RETENTION_DAYS          = var.retention_days
        AUDIT_RETENTION_DAYS    = var.audit_retention_days
      }
    }
    operations = {
      description = "Shows what happened to every notification, and replays or releases it."
      timeout     = 29
      environment = {
        AUTHORIZER                          = "jwt"
        ROLE_CLAIM                          = local.operations.role_claim
        ROLE_PREFIX                         = local.operations.role_prefix
        CONSOLE_ISSUER                      = local.operations.issuer
        CONSOLE_CLIENT_ID                   = local.operations.console_client_id
        CONSOLE_SCOPE                       = local.operations.console_scope
        CONSOLE_TOKEN_ORIGIN                = local.operations.console_token_origin
        CONSOLE_PARTITION                   = local.partition
        CONSOLE_LOG_GROUPS                  = local.log_groups
        TABLE_NAME                          = local.table
        NOTIFICATIONS_QUEUE_URL             = local.url.notifications
        FEEDBACK_QUEUE_URL                  = local.url.feedback
        REPAIRS_QUEUE_URL                   = local.url.repairs
        NOTIFICATIONS_DEAD_LETTER_QUEUE_URL = local.dead_url.notifications
        FEEDBACK_DEAD_LETTER_QUEUE_URL      = local.dead_url.feedback
        EVENTS_DEAD_LETTER_QUEUE_URL        = local.dead_url.events
        REPAIRS_DEAD_LETTER_QUEUE_URL       = local.dead_url.repairs
        RETENTION_DAYS                      = var.retention_days
        AUDIT_RETENTION_DAYS                = var.audit_retention_days
      }
    }
    repair = {
      description = "Runs operators' long jobs slice by slice, at the rate they chose."
      timeout     = var.worker_timeout_seconds
      environment = {
        TABLE_NAME                          = local.table
        NOTIFICATIONS_QUEUE_URL             = local.url.notifications
        FEEDBACK_QUEUE_URL                  = local.url.feedback
        EVENTS_QUEUE_URL                    = local.url.events
        REPAIRS_QUEUE_URL                   = local.url.repairs
        NOTIFICATIONS_DEAD_LETTER_QUEUE_URL = local.dead_url.notifications
        FEEDBACK_DEAD_LETTER_QUEUE_URL      = local.dead_url.feedback
        EVENTS_DEAD_LETTER_QUEUE_URL        = local.dead_url.events
        REPAIRS_DEAD_LETTER_QUEUE_URL       = local.dead_url.repairs
        RETENTION_DAYS                      = var.retention_days
        WORKER_TIMEOUT_SECONDS              = var.worker_timeout_seconds
        RECONCILER_TIMEOUT_SECONDS          = var.reconciler_timeout_seconds
      }
    }
  }

  mappings = {
    processor = { queue = "notifications", batch_size = 10, concurrency = var.concurrency.processor }
    feedback  = { queue = "feedback", batch_size = 10, concurrency = var.concurrency.feedback }
    # A slice is a whole invocation's work.
    repair = { queue = "repairs", batch_size = 1, concurrency = var.concurrency.repair }
  }

  recursive = ["processor", "repair"]

  # By name alone, for what a function is given is only known once it is there.
  deployed = toset([for name in keys(local.functions) : name if local.has_operations || !contains(["operations", "repair"], name)])
}

resource "aws_lambda_function" "function" {
  for_each = local.deployed

  function_name                  = "${var.name}-${each.key}"
  description                    = local.functions[each.key].description
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  filename                       = format(var.zip, each.key)
  source_code_hash               = filebase64sha256(format(var.zip, each.key))
  memory_size                    = 256
  timeout                        = local.functions[each.key].timeout
  reserved_concurrent_executions = lookup(var.reserved_concurrency, each.key, -1)
  role                           = aws_iam_role.function[each.key].arn
  layers                         = var.layers

  environment {
    variables = merge(
      var.environment,
      { METRICS_NAMESPACE = "VismaNetWebhooks/${var.name}" },
      local.functions[each.key].environment,
    )
  }
  logging_config {
    log_group             = aws_cloudwatch_log_group.function[each.key].name
    log_format            = "JSON"
    application_log_level = var.log_level
    system_log_level      = var.system_log_level
  }
  tracing_config {
    mode = var.tracing
  }

  # A function that starts before it may do anything would log errors.
  depends_on = [aws_iam_role_policy.function]
}

# They may send messages to their own queues. By default Lambda stops such a chain after about 16.
resource "aws_lambda_function_recursion_config" "own_queue" {
  for_each = setintersection(local.deployed, local.recursive)

  function_name  = aws_lambda_function.function[each.key].function_name
  recursive_loop = "Allow"
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.deployed

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_event_source_mapping" "mapping" {
  for_each = { for name, mapping in local.mappings : name => mapping if contains(local.deployed, name) }

  function_name                      = aws_lambda_function.function[each.key].arn
  event_source_arn                   = aws_sqs_queue.queue[each.value.queue].arn
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = 0
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = each.value.concurrency
  }
}

resource "aws_scheduler_schedule" "reconciler" {
  name                = "${var.name}-reconciler"
  description         = "When the reconciler sweeps."
  schedule_expression = "rate(${var.reconcile_minutes} minutes)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_function.function["reconciler"].arn
    role_arn = aws_iam_role.schedule.arn
    retry_policy {
      maximum_retry_attempts = 0
    }
  }

  # It may invoke at once, and does not try again.
  depends_on = [aws_iam_role_policy.schedule, aws_lambda_function_event_invoke_config.reconciler]
}

# The scheduler invokes asynchronously, and Lambda would run a failed sweep twice more.
resource "aws_lambda_function_event_invoke_config" "reconciler" {
  function_name                = aws_lambda_function.function["reconciler"].function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
