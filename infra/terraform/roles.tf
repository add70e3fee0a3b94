locals {
  queue      = { for name, queue in aws_sqs_queue.queue : name => queue.arn }
  dead       = { for name, queue in aws_sqs_queue.dead_letter : name => queue.arn }
  table_arn  = aws_dynamodb_table.table.arn
  indexes    = ["${local.table_arn}/index/attention", "${local.table_arn}/index/feed"]
  all_dead   = [local.dead.notifications, local.dead.feedback, local.dead.events, local.dead.repairs]
  read_queue = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]

  # What each function may do besides logging and tracing, as in template.yaml.
  may = {
    intake = [
      { actions = ["secretsmanager:GetSecretValue"], resources = [local.secret] },
      # The attributes only open the connection, before the first request.
      { actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"], resources = [local.queue.notifications] },
    ]
    processor = [
      { actions = ["secretsmanager:GetSecretValue"], resources = [local.secret] },
      { actions = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"], resources = [local.table_arn] },
      { actions = local.read_queue, resources = [local.queue.notifications] },
      { actions = ["sqs:SendMessage"], resources = [local.queue.events, local.queue.feedback, local.queue.notifications] },
    ]
    feedback = [
      { actions = ["secretsmanager:GetSecretValue"], resources = [local.secret] },
      { actions = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"], resources = [local.table_arn] },
      { actions = local.read_queue, resources = [local.queue.feedback] },
      { actions = ["sqs:SendMessage"], resources = [local.dead.feedback] },
    ]
    reconciler = [
      { actions = ["secretsmanager:GetSecretValue"], resources = [local.secret] },
      { actions = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"], resources = [local.table_arn] },
      { actions = ["dynamodb:Query"], resources = local.indexes },
      { actions = ["sqs:SendMessage"], resources = [local.queue.notifications, local.queue.feedback, local.queue.repairs] },
      { actions = ["sqs:GetQueueAttributes"], resources = [local.queue.notifications] },
    ]
    operations = [
      { actions = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"], resources = [local.table_arn] },
      { actions = ["dynamodb:Query"], resources = local.indexes },
      { actions = ["sqs:SendMessage"], resources = [local.queue.notifications, local.queue.feedback, local.queue.repairs] },
      # Looks at dead letters and puts them back; only a job of the repair function takes them away.
      { actions = ["sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], resources = local.all_dead },
    ]
    repair = [
      # A tenant's data is erased by reading the whole table. The audit stays.
      { actions = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"], resources = [local.table_arn] },
      { actions = ["dynamodb:Query"], resources = local.indexes },
      { actions = concat(local.read_queue, ["sqs:SendMessage"]), resources = [local.queue.repairs] },
      { actions = ["sqs:SendMessage"], resources = [local.queue.notifications, local.queue.feedback, local.queue.events] },
      { actions = local.read_queue, resources = local.all_dead },
    ]
  }

  # What operators did stays as it was written. Only operations adds to it, and the reconciler where a pause is over.
  audit = {
    stays = {
      Effect    = "Deny"
      Action    = ["dynamodb:DeleteItem", "dynamodb:UpdateItem"]
      Resource  = local.table_arn
      Condition = { "ForAnyValue:StringEquals" = { "dynamodb:LeadingKeys" = ["audit"] } }
    }
    grows = {
      Effect   = "Allow"
      Action   = "dynamodb:PutItem"
      Resource = local.table_arn
      Condition = {
        "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["audit"] }
        Null                        = { "dynamodb:LeadingKeys" = "false" }
      }
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_iam_role" "function" {
  for_each = local.deployed

  name = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.deployed

  name = each.key
  role = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
        },
        {
          Effect   = "Allow"
          Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
          Resource = "*" # X-Ray has no resources to name.
        },
      ],
      [for allowed in local.may[each.key] : { Effect = "Allow", Action = allowed.actions, Resource = allowed.resources }],
      each.key == "intake" ? [] : [local.audit.stays],
      contains(["operations", "reconciler"], each.key) ? [local.audit.grows] : [],
      var.kms_key_arn == null ? [] : [{
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
        Resource = var.kms_key_arn
        Condition = {
          StringLike = {
            "kms:ViaService" = ["dynamodb.*.amazonaws.com", "secretsmanager.*.amazonaws.com", "sqs.*.amazonaws.com"]
          }
        }
      }],
    )
  })
}

resource "aws_iam_role" "schedule" {
  name = "${var.name}-reconciler-schedule"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "reconciler-schedule"
  role = aws_iam_role.schedule.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = aws_lambda_function.function["reconciler"].arn
    }]
  })
}
