locals {
  # Six times the function's time-out, or a slow batch is delivered again while it still runs.
  worker_visibility = 6 * var.worker_timeout_seconds

  # Nobody here reads the events queue: it is for your own systems.
  queues = {
    notifications = { visibility = local.worker_visibility, max_receive_count = var.max_receive_count }
    events        = { visibility = 360, max_receive_count = var.max_receive_count }
    # Waiting for a quota costs receives, so the functions give up by themselves and this is only the
    # backstop.
    feedback = { visibility = local.worker_visibility, max_receive_count = 1000 }
    repairs  = { visibility = local.worker_visibility, max_receive_count = 1000 }
  }
}

resource "aws_sqs_queue" "queue" {
  for_each = local.queues

  name                       = "${var.name}-${each.key}"
  max_message_size           = 1048576
  message_retention_seconds  = 604800 # 7 days
  visibility_timeout_seconds = each.value.visibility
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  kms_master_key_id          = var.kms_key_arn
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter[each.key].arn
    maxReceiveCount     = each.value.max_receive_count
  })
}

# A message that is moved keeps its age, so this retention is the longer one.
resource "aws_sqs_queue" "dead_letter" {
  for_each = local.queues

  name                      = "${var.name}-${each.key}-dead-letter"
  max_message_size          = 1048576
  message_retention_seconds = 1209600 # 14 days
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  for_each = local.queues

  queue_url = aws_sqs_queue.dead_letter[each.key].url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.queue[each.key].arn]
  })
}

resource "aws_sqs_queue_policy" "refuse_plain_http" {
  for_each = merge(
    { for name, queue in aws_sqs_queue.queue : name => queue },
    { for name, queue in aws_sqs_queue.dead_letter : "${name}-dead-letter" => queue },
  )

  queue_url = each.value.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
