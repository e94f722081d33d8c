# A Cognito user pool for IDENTITY=cognito: groups become roles, addresses are
# verified by mail, a second factor is each user's choice.
terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  # Role, group and who goes first: a lower precedence wins.
  groups = {
    owners   = { precedence = 1, description = "Everything" }
    admins   = { precedence = 2, description = "Content, tenants, security, users" }
    analysts = { precedence = 3, description = "Analytics and call records" }
    users    = { precedence = 4, description = "Their own profile, keys and usage" }
  }
}

resource "aws_cognito_user_pool" "this" {
  name                     = var.name
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = var.mfa
  deletion_protection      = var.deletion_protection ? "ACTIVE" : "INACTIVE"
  tags                     = var.tags

  username_configuration {
    case_sensitive = false
  }

  password_policy {
    minimum_length                   = var.password_minimum_length
    temporary_password_validity_days = 3
    # Length is what helps (NIST SP 800-63B); classes of characters do not.
    require_lowercase = false
    require_numbers   = false
    require_symbols   = false
    require_uppercase = false
  }

  dynamic "software_token_mfa_configuration" {
    for_each = var.mfa == "OFF" ? [] : [true]
    content {
      enabled = true
    }
  }

  admin_create_user_config {
    allow_admin_create_user_only = var.registration == "closed"
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  # A new address counts when it is confirmed; until then the old one does.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  verification_message_template {
    default_email_option = "CONFIRM_WITH_CODE"
    email_subject        = "Your code"
    email_message        = "Your code is {####}. If you did not ask for it, ignore this mail."
  }

  email_configuration {
    email_sending_account = var.mail_from == "" ? "COGNITO_DEFAULT" : "DEVELOPER"
    from_email_address    = var.mail_from == "" ? null : var.mail_from
    source_arn            = var.mail_from == "" ? null : var.ses_identity_arn
  }

  lifecycle {
    precondition {
      condition     = var.mail_from == "" || var.ses_identity_arn != ""
      error_message = "mail_from needs ses_identity_arn."
    }
  }
}

resource "aws_cognito_user_pool_client" "this" {
  name         = "${var.name}-quiver"
  user_pool_id = aws_cognito_user_pool.this.id

  generate_secret                      = true
  explicit_auth_flows                  = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
  allowed_oauth_flows_user_pool_client = false

  access_token_validity  = var.access_token_minutes
  id_token_validity      = var.access_token_minutes
  refresh_token_validity = var.refresh_token_days
  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "days"
  }

  read_attributes  = ["email", "email_verified", "name"]
  write_attributes = ["email", "name"]
}

resource "aws_cognito_user_group" "this" {
  for_each = local.groups

  name         = each.key
  user_pool_id = aws_cognito_user_pool.this.id
  description  = each.value.description
  precedence   = each.value.precedence
}
