locals {
  routes = merge(
    {
      "ANY /hooks/{proxy+}" = { function = "intake", authorization = "NONE" }
      "ANY /health"         = { function = "intake", authorization = "NONE" }
    },
    local.has_operations ? {
      "ANY /operations/{proxy+}" = { function = "operations", authorization = "JWT" }
      # The console's page and its files, which hold no data.
      "GET /operations/console"        = { function = "operations", authorization = "NONE" }
      "GET /operations/console/{file}" = { function = "operations", authorization = "NONE" }
    } : {},
  )
  console_throttling = {
    "GET /operations/console"        = { rate = 10, burst = 20 }
    "GET /operations/console/{file}" = { rate = 50, burst = 200 }
  }
  # In milliseconds. Longer than the function's own, so that the function is the one to answer.
  integrations = merge({ intake = 12000 }, local.has_operations ? { operations = 30000 } : {})
}

resource "aws_apigatewayv2_api" "api" {
  name          = var.name
  description   = "Where Visma Net posts its notifications."
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "integration" {
  for_each = local.integrations

  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.function[each.key].arn
  payload_format_version = "2.0"
  timeout_milliseconds   = each.value
}

resource "aws_apigatewayv2_route" "route" {
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.api.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.integration[each.value.function].id}"
  authorization_type = each.value.authorization
  authorizer_id      = each.value.authorization == "JWT" ? aws_apigatewayv2_authorizer.operations[0].id : null
}

resource "aws_apigatewayv2_authorizer" "operations" {
  count = local.has_operations ? 1 : 0

  api_id           = aws_apigatewayv2_api.api.id
  name             = "operations"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    issuer   = local.operations.issuer
    audience = local.operations.audience
  }
}

resource "aws_apigatewayv2_stage" "stage" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    detailed_metrics_enabled = false
    throttling_rate_limit    = var.throttling.rate
    throttling_burst_limit   = var.throttling.burst
  }
  # The one route whose own metrics are read, by the alarms of the acknowledgements.
  route_settings {
    route_key                = "ANY /hooks/{proxy+}"
    detailed_metrics_enabled = true
    throttling_rate_limit    = var.throttling.rate
    throttling_burst_limit   = var.throttling.burst
  }
  route_settings {
    route_key                = "ANY /health"
    detailed_metrics_enabled = false
    throttling_rate_limit    = var.throttling.health_rate
    throttling_burst_limit   = var.throttling.health_burst
  }
  # Open to everybody, too. A browser without a copy loads the page and all its files at once.
  dynamic "route_settings" {
    for_each = { for route, limits in local.console_throttling : route => limits if local.has_operations }
    content {
      route_key                = route_settings.key
      detailed_metrics_enabled = false
      throttling_rate_limit    = route_settings.value.rate
      throttling_burst_limit   = route_settings.value.burst
    }
  }
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    # The route, never the path: the path of a legacy delivery holds its secret token.
    format = jsonencode({
      requestId        = "$context.requestId"
      requestTime      = "$context.requestTime"
      ip               = "$context.identity.sourceIp"
      route            = "$context.routeKey"
      status           = "$context.status"
      responseLength   = "$context.responseLength"
      latencyMs        = "$context.responseLatency"
      integrationError = "$context.integrationErrorMessage"
    })
  }

  depends_on = [aws_apigatewayv2_route.route]
}

resource "aws_cloudwatch_log_group" "access" {
  # API Gateway adds no resource policy for this prefix; such policies have a small limit per account.
  name              = "/aws/vendedlogs/apis/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_permission" "api" {
  for_each = local.integrations

  function_name = aws_lambda_function.function[each.key].function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.api.execution_arn}/*"
}
