output "settings" {
  description = "What the handlers need in their environment, but the secret"
  value = {
    IDENTITY             = "cognito"
    COGNITO_REGION       = split("_", aws_cognito_user_pool.this.id)[0]
    COGNITO_USER_POOL_ID = aws_cognito_user_pool.this.id
    COGNITO_CLIENT_ID    = aws_cognito_user_pool_client.this.id
  }
}

output "client_secret" {
  description = "COGNITO_CLIENT_SECRET"
  value       = aws_cognito_user_pool_client.this.client_secret
  sensitive   = true
}

output "user_pool_arn" {
  description = "For policies that name the pool"
  value       = aws_cognito_user_pool.this.arn
}
