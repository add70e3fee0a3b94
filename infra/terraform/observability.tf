# The alarms and the dashboard as they are with the template: CloudFormation makes them from the same
# files. Each is named after `name`, and its description names its runbook.
locals {
  watch_operations = tostring(local.has_operations)
  console_url      = local.has_operations ? "${aws_apigatewayv2_api.api.api_endpoint}/operations/console" : ""
  observability = {
    alarms-functions = {
      ReceiverStackName        = var.name
      WorkerTimeoutSeconds     = var.worker_timeout_seconds
      ReconcilerTimeoutSeconds = var.reconciler_timeout_seconds
      ReconcileMinutes         = var.reconcile_minutes
      TicketTopicArn           = var.ticket_topic_arn
      Operations               = local.watch_operations
    }
    alarms-queues = {
      ReceiverStackName = var.name
      TicketTopicArn    = var.ticket_topic_arn
      Operations        = local.watch_operations
      ConsoleUrl        = local.console_url
    }
    alarms-table = {
      ReceiverStackName = var.name
      TableName         = local.table
      TicketTopicArn    = var.ticket_topic_arn
    }
    alarms-notifications = {
      ReceiverStackName      = var.name
      ApiId                  = aws_apigatewayv2_api.api.id
      TicketTopicArn         = var.ticket_topic_arn
      SilenceHours           = var.silence_hours
      SpikeRequestsPerMinute = var.spike_requests_per_minute
      ConsoleUrl             = local.console_url
    }
    dashboards-cloudwatch = {
      ReceiverStackName = var.name
      ApiId             = aws_apigatewayv2_api.api.id
      TableName         = local.table
      Operations        = local.watch_operations
      ConsoleUrl        = local.console_url
    }
  }
}

resource "aws_cloudformation_stack" "observability" {
  for_each = local.observability

  name          = "${var.name}-${each.key}"
  template_body = file("${path.module}/../${replace(each.key, "-", "/")}.yaml")
  parameters    = each.value
}

# The page is composed of alarms of the others and of its own.
resource "aws_cloudformation_stack" "objectives" {
  name          = "${var.name}-alarms-objectives"
  template_body = file("${path.module}/../alarms/objectives.yaml")
  parameters = {
    ReceiverStackName = var.name
    ApiId             = aws_apigatewayv2_api.api.id
    PageTopicArn      = var.page_topic_arn
    ConsoleUrl        = local.console_url
  }

  depends_on = [aws_cloudformation_stack.observability]
}
