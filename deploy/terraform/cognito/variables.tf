variable "name" {
  description = "Name of the user pool; the client is called NAME-quiver"
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9 _.-]{0,99}$", var.name))
    error_message = "name must be 1 to 100 of A-Z a-z 0-9 space _ . - and begin with a letter or digit."
  }
}

variable "mfa" {
  description = "Second factor (authenticator app): OFF, OPTIONAL (each user decides) or ON (everybody)"
  type        = string
  default     = "OPTIONAL"
  validation {
    condition     = contains(["OFF", "OPTIONAL", "ON"], var.mfa)
    error_message = "mfa must be OFF, OPTIONAL or ON."
  }
}

variable "password_minimum_length" {
  description = "Characters a password must have; the same as the built-in provider asks for"
  type        = number
  default     = 12
  validation {
    condition     = var.password_minimum_length >= 12 && var.password_minimum_length <= 99
    error_message = "password_minimum_length must be 12 to 99."
  }
}

variable "access_token_minutes" {
  description = "Life of access and id tokens, in minutes"
  type        = number
  default     = 60
  validation {
    condition     = var.access_token_minutes >= 5 && var.access_token_minutes <= 1440
    error_message = "access_token_minutes must be 5 to 1440."
  }
}

variable "refresh_token_days" {
  description = "Life of refresh tokens, in days"
  type        = number
  default     = 30
  validation {
    condition     = var.refresh_token_days >= 1 && var.refresh_token_days <= 365
    error_message = "refresh_token_days must be 1 to 365."
  }
}

variable "registration" {
  description = "Whether anybody may register (open), or accounts are made by an administrator (closed)"
  type        = string
  default     = "open"
  validation {
    condition     = contains(["open", "closed"], var.registration)
    error_message = "registration must be open or closed."
  }
}

variable "mail_from" {
  description = "Sender of mail through SES, as \"Name <address>\"; empty: Cognito's own sender, 50 mails a day"
  type        = string
  default     = ""
}

variable "ses_identity_arn" {
  description = "ARN of the verified SES identity that mail_from belongs to; needed with mail_from"
  type        = string
  default     = ""
}

variable "deletion_protection" {
  description = "Refuse to delete the pool: its accounts cannot be brought back"
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of the pool"
  type        = map(string)
  default     = {}
}
