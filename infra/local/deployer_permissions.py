"""The permissions that CloudFormation needs for each type of resource in the templates."""


def here(service, resource):
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"


def role(name):
    return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"


def rest(path):
    return f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::{path}"


# The types, their actions, the resources and the condition. The actions are those that AWS's own
# schema of each type lists for create, read, update and delete. Actions for options that the
# templates do not use are left out: networks, signing, replicas, streams, imports, managed
# policies.
STATEMENTS = [
    {
        "types": ["AWS::CloudFormation::Stack"],
        "actions": [
            "cloudformation:CreateStack",
            "cloudformation:DeleteStack",
            "cloudformation:DescribeStacks",
            "cloudformation:GetTemplate",
            "cloudformation:TagResource",
            "cloudformation:UntagResource",
            "cloudformation:UpdateStack",
        ],
        "resources": [here("cloudformation", "stack/${StackName}-*/*")],
    },
    {
        # CloudFormation hands its own role on to each nested stack.
        "types": ["AWS::CloudFormation::Stack"],
        "actions": ["iam:PassRole"],
        "resources": ["${ExecutionRole.Arn}"],
        "condition": {"StringEquals": {"iam:PassedToService": ["cloudformation.amazonaws.com"]}},
    },
    {
        # The code, and the nested templates.
        "types": ["AWS::CloudFormation::Stack", "AWS::Lambda::Function"],
        "actions": ["s3:GetObject"],
        "resources": ["${Artifacts.Arn}/*"],
    },
    {
        # An API has an id that AWS generates. The same verbs set and remove tags, except a stage's,
        # for which deployer.yaml has StageTags.
        "types": [
            f"AWS::ApiGatewayV2::{kind}"
            for kind in ("Api", "ApiMapping", "Authorizer", "DomainName", "Integration", "Route", "Stage")
        ],
        "actions": [f"apigateway:{verb}" for verb in ("DELETE", "GET", "PATCH", "POST", "PUT")],
        "resources": [rest(path) for path in ("/apis", "/apis/*", "/domainnames", "/domainnames/*", "/tags/*")],
    },
    {
        # The stage's access log. These actions name no resource.
        "types": ["AWS::ApiGatewayV2::Stage", "AWS::Logs::LogGroup"],
        "actions": [
            "logs:DescribeLogGroups",
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        "resources": ["*"],
    },
    {
        # Roles that AWS creates for its own services, once for all stacks.
        "types": ["AWS::ApiGatewayV2::DomainName", "AWS::ApplicationAutoScaling::ScalableTarget"],
        "actions": ["iam:CreateServiceLinkedRole"],
        "resources": [role("aws-service-role/*")],
        "condition": {
            "StringEquals": {
                "iam:AWSServiceName": ["dynamodb.application-autoscaling.amazonaws.com", "ops.apigateway.amazonaws.com"]
            }
        },
    },
    {
        "types": ["AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig"],
        "actions": [
            "lambda:AddPermission",
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:DeleteFunctionEventInvokeConfig",
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionEventInvokeConfig",
            "lambda:GetFunctionRecursionConfig",
            "lambda:GetFunctionScalingConfig",
            "lambda:GetPolicy",
            "lambda:GetRuntimeManagementConfig",
            "lambda:PutFunctionConcurrency",
            "lambda:PutFunctionEventInvokeConfig",
            "lambda:PutFunctionRecursionConfig",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
            "lambda:UpdateFunctionEventInvokeConfig",
        ],
        "resources": [here("lambda", "function:${StackName}-*")],
    },
    {
        # ExtraLayers. A vendor's layer is in the vendor's account.
        "types": ["AWS::Lambda::Function"],
        "actions": ["lambda:GetLayerVersion"],
        "resources": ["arn:${AWS::Partition}:lambda:${AWS::Region}:*:layer:*"],
    },
    {
        # A mapping has an id that AWS generates, and the function that it invokes.
        "types": ["AWS::Lambda::EventSourceMapping"],
        "actions": [
            "lambda:CreateEventSourceMapping",
            "lambda:DeleteEventSourceMapping",
            "lambda:UpdateEventSourceMapping",
        ],
        "resources": ["*"],
        "condition": {"ArnLike": {"lambda:FunctionArn": here("lambda", "function:${StackName}-*")}},
    },
    {
        "types": ["AWS::Lambda::EventSourceMapping"],
        "actions": ["lambda:GetEventSourceMapping", "lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"],
        "resources": [here("lambda", "event-source-mapping:*")],
    },
    {
        "types": ["AWS::IAM::Role", "AWS::IAM::Policy"],
        "actions": [
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
        ],
        "resources": [role("${StackName}-*")],
    },
    {
        "types": ["AWS::Lambda::Function", "AWS::Pipes::Pipe", "AWS::Scheduler::Schedule"],
        "actions": ["iam:PassRole"],
        "resources": [role("${StackName}-*")],
        "condition": {
            "StringEquals": {
                "iam:PassedToService": ["lambda.amazonaws.com", "pipes.amazonaws.com", "scheduler.amazonaws.com"]
            }
        },
    },
    {
        "types": ["AWS::Logs::LogGroup"],
        "actions": [
            "logs:AssociateKmsKey",
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:DescribeIndexPolicies",
            "logs:DisassociateKmsKey",
            "logs:GetDataProtectionPolicy",
            "logs:ListTagsForResource",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
        ],
        "resources": [
            here("logs", "log-group:/aws/lambda/${StackName}-*"),
            here("logs", "log-group:/aws/vendedlogs/apis/${StackName}*"),
        ],
    },
    {
        "types": ["AWS::SQS::Queue", "AWS::SQS::QueuePolicy"],
        "actions": [
            "sqs:CreateQueue",
            "sqs:DeleteQueue",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ListQueueTags",
            "sqs:SetQueueAttributes",
            "sqs:TagQueue",
            "sqs:UntagQueue",
        ],
        "resources": [here("sqs", "${StackName}-*")],
    },
    {
        "types": ["AWS::DynamoDB::Table"],
        "actions": [
            "dynamodb:CreateTable",
            "dynamodb:DeleteTable",
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeContributorInsights",
            "dynamodb:DescribeKinesisStreamingDestination",
            "dynamodb:DescribeTable",
            "dynamodb:DescribeTimeToLive",
            "dynamodb:GetResourcePolicy",
            "dynamodb:ListTagsOfResource",
            "dynamodb:TagResource",
            "dynamodb:UntagResource",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:UpdateTable",
            "dynamodb:UpdateTimeToLive",
        ],
        "resources": [here("dynamodb", "table/${StackName}-*")],
    },
    {
        # CloudFormation makes the secret's name from the logical name, not from the stack's. An
        # update reads the secret's value, but that is AWS's own code.
        "types": ["AWS::SecretsManager::Secret"],
        "actions": [
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
            "secretsmanager:UpdateSecret",
        ],
        "resources": [here("secretsmanager", "secret:Settings-*")],
    },
    {
        "types": ["AWS::SNS::Topic", "AWS::SNS::Subscription"],
        "actions": [
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetDataProtectionPolicy",
            "sns:GetSubscriptionAttributes",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
            "sns:SetSubscriptionAttributes",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:Unsubscribe",
            "sns:UntagResource",
        ],
        "resources": [here("sns", "${StackName}-*")],
    },
    {
        "types": ["AWS::Pipes::Pipe"],
        "actions": [
            f"pipes:{verb}"
            for verb in ("CreatePipe", "DeletePipe", "DescribePipe", "TagResource", "UntagResource", "UpdatePipe")
        ],
        "resources": [here("pipes", "pipe/${StackName}-*")],
    },
    {
        "types": ["AWS::Scheduler::Schedule"],
        "actions": [f"scheduler:{verb}Schedule" for verb in ("Create", "Delete", "Get", "Update")],
        "resources": [here("scheduler", "schedule/default/${StackName}-*")],
    },
    {
        "types": ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"],
        "actions": [
            "cloudwatch:DeleteAlarms",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ],
        "resources": [here("cloudwatch", "alarm:${StackName}-*")],
    },
    {
        # Only a permission for all alarms allows to set or describe a composite alarm.
        "types": ["AWS::CloudWatch::CompositeAlarm", "AWS::ApplicationAutoScaling::ScalingPolicy"],
        "actions": ["cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"],
        "resources": ["*"],
    },
    {
        "types": ["AWS::CloudWatch::Dashboard"],
        "actions": [
            "cloudwatch:DeleteDashboards",
            "cloudwatch:GetDashboard",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutDashboard",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ],
        "resources": ["arn:${AWS::Partition}:cloudwatch::${AWS::AccountId}:dashboard/${StackName}"],
    },
    {
        # A scalable target has an id that AWS generates.
        "types": ["AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"],
        "actions": [
            "application-autoscaling:DeleteScalingPolicy",
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:RegisterScalableTarget",
        ],
        "resources": [here("application-autoscaling", "scalable-target/*")],
        "condition": {"StringEquals": {"application-autoscaling:service-namespace": "dynamodb"}},
    },
    {
        # The stack's tags. These actions do not know the service.
        "types": ["AWS::ApplicationAutoScaling::ScalableTarget"],
        "actions": [
            f"application-autoscaling:{verb}" for verb in ("ListTagsForResource", "TagResource", "UntagResource")
        ],
        "resources": [here("application-autoscaling", "scalable-target/*")],
    },
    {
        "types": ["AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"],
        "actions": [
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
            "application-autoscaling:DescribeScheduledActions",
        ],
        "resources": ["*"],
    },
    {
        # The alarms that the scaling itself creates.
        "types": ["AWS::ApplicationAutoScaling::ScalingPolicy"],
        "actions": ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
        "resources": [here("cloudwatch", "alarm:TargetTracking-table/${StackName}-*")],
    },
]
