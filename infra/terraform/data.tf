resource "aws_dynamodb_table" "table" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }
  attribute {
    name = "attention"
    type = "S"
  }
  attribute {
    name = "attention_at"
    type = "S"
  }
  attribute {
    name = "feed"
    type = "S"
  }
  attribute {
    name = "feed_at"
    type = "S"
  }

  # Sparse: only items that need somebody's attention carry the attribute.
  global_secondary_index {
    name            = "attention"
    hash_key        = "attention"
    range_key       = "attention_at"
    projection_type = "KEYS_ONLY"
  }
  # What never changes, so that a write of the state costs the index nothing.
  global_secondary_index {
    name               = "feed"
    hash_key           = "feed"
    range_key          = "feed_at"
    projection_type    = "INCLUDE"
    non_key_attributes = ["origin"]
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_secretsmanager_secret" "settings" {
  name_prefix = "${var.name}-settings-"
  description = "Settings document of ${var.name} (subscriptions and their secrets, Visma Connect client, tenants, routes)."
  kms_key_id  = var.kms_key_arn
}

# A first document that is valid and accepts nobody. You overwrite it with put-secret-value, and what
# you write is neither in the state nor changed by Terraform.
resource "aws_secretsmanager_secret_version" "first_settings" {
  secret_id = aws_secretsmanager_secret.settings.id
  secret_string = jsonencode({
    version = 1
    visma = {
      connect_url      = "https://connect.visma.com"
      erp_url          = "https://api.finance.visma.net"
      sales_order_url  = "https://salesorder.visma.net"
      client_id        = ""
      client_secret    = ""
      scope            = "vismanet_erp_service_api:read vismanet_erp_service_api:create"
      application_name = "webhooks"
    }
    subscriptions = []
    tenants       = []
    routes        = []
    source_ips    = { policy = "off", addresses = [] }
  })

  lifecycle {
    ignore_changes = [secret_string, version_stages]
  }
}
