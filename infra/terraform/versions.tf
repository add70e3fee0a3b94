terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.8, < 7" # Since 6.8 a queue may take messages of 1 MiB.
    }
  }
}
