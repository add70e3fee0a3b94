output "api_url" {
  description = "Base address; subscriptions in Visma Net point to {api_url}/hooks/visma/{route}."
  value       = aws_apigatewayv2_api.api.api_endpoint
}

output "settings_secret_arn" {
  description = "Secret that holds the settings document."
  value       = local.secret
}

output "stack" {
  description = "The outputs of template.yaml by their names there, for `visma-webhooks --set`."
  value = merge(
    {
      ApiUrl                         = aws_apigatewayv2_api.api.api_endpoint
      ApiId                          = aws_apigatewayv2_api.api.id
      NotificationsMaxReceiveCount   = tostring(var.max_receive_count)
      RetryBaseSeconds               = tostring(var.retry_base_seconds)
      WorkerVisibilityTimeoutSeconds = tostring(local.worker_visibility)
      TableName                      = local.table
      SettingsSecretArn              = local.secret
      AccessLogGroup                 = aws_cloudwatch_log_group.access.name
    },
    local.has_operations ? { ConsoleUrl = local.console_url } : {},
    { for name in ["notifications", "events", "feedback"] : "${title(name)}QueueUrl" => local.url[name] },
    { for name in ["notifications", "events", "feedback"] : "${title(name)}DeadLetterQueueUrl" => local.dead_url[name] },
    { for name, one in aws_lambda_function.function : "${title(name)}FunctionName" => one.function_name },
    { for name, one in aws_cloudwatch_log_group.function : "${title(name)}LogGroup" => one.name },
  )
}
