//! Numbers of the main template that must be consistent.

use crate::named_tests::files;
use crate::sources::root;
use crate::{MAIN, with_options};
use repo_checks::{Template, elements, number, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The default of SQS for the largest message, in bytes.
const USUAL_SIZE: f64 = 1_048_576.0;

fn named<'a>(resources: &'a [(&String, Value)], name: &str) -> &'a Value {
    resources
        .iter()
        .find(|(found, _)| *found == name)
        .map(|(_, properties)| properties)
        .unwrap_or_else(|| panic!("no {name}"))
}

/// The logical name in `!GetAtt Name.Arn` or `!Ref Name`.
fn target(reference: &Value) -> String {
    let name = reference.get("Fn::GetAtt").or_else(|| reference.get("Ref")).map(text).unwrap_or_default();
    name.trim_end_matches(".Arn").to_owned()
}

/// The queues' dead-letter queues.
fn dead_letters(queues: &[(&String, Value)]) -> BTreeMap<String, String> {
    let pairs = queues.iter().filter(|(_, queue)| queue.get("RedrivePolicy").is_some());
    pairs.map(|(name, queue)| ((*name).clone(), target(&queue["RedrivePolicy"]["deadLetterTargetArn"]))).collect()
}

/// In seconds. While a message is invisible, it also waits for the batching window.
pub(crate) fn is_visible_again_in_time(visibility: f64, timeout: f64, window: f64) -> bool {
    visibility >= 6.0 * timeout + window
}

#[test]
fn a_messages_visibility_timeout_is_six_function_timeouts() {
    let main = Template::read(MAIN);
    let timeouts = main.raw("/Parameters/WorkerTimeoutSeconds/AllowedValues").as_array().cloned().unwrap();
    for timeout in timeouts {
        let main = with_options().with("WorkerTimeoutSeconds", timeout);
        let (queues, functions) = (main.resources("AWS::SQS::Queue"), main.resources("AWS::Serverless::Function"));
        let mappings = main.resources("AWS::Lambda::EventSourceMapping");
        assert_eq!(mappings.len(), 3, "processor, feedback and repair");
        for (name, mapping) in mappings {
            let queue = named(&queues, &target(&mapping["EventSourceArn"]));
            let function = named(&functions, &target(&mapping["FunctionName"]));
            let window = number(&mapping["MaximumBatchingWindowInSeconds"]);
            let (visibility, timeout) = (number(&queue["VisibilityTimeout"]), number(&function["Timeout"]));
            assert!(is_visible_again_in_time(visibility, timeout, window), "{name}");
            assert_eq!(mapping["FunctionResponseTypes"], serde_json::json!(["ReportBatchItemFailures"]), "{name}");
        }
    }
}

#[test]
fn an_erasure_waits_for_the_time_out_of_every_function() {
    let main = with_options();
    let functions = main.resources("AWS::Serverless::Function");
    let variables = &named(&functions, "RepairFunction")["Environment"]["Variables"];
    let known = ["WORKER_TIMEOUT_SECONDS", "RECONCILER_TIMEOUT_SECONDS"].map(|name| number(&variables[name]));
    let longest = known.into_iter().fold(0.0, f64::max);
    for (name, function) in &functions {
        assert!(number(&function["Timeout"]) <= longest, "{name}");
    }
}

#[test]
fn dead_letters_outlive_their_messages() {
    let main = with_options();
    let queues = main.resources("AWS::SQS::Queue");
    assert_eq!(dead_letters(&queues).len(), 4);
    for (source, dead) in dead_letters(&queues) {
        let retention = |name: &str| number(&named(&queues, name)["MessageRetentionPeriod"]);
        assert!(retention(&dead) > retention(&source), "{source}");
        let size = |name: &str| named(&queues, name).get("MaximumMessageSize").map_or(USUAL_SIZE, number);
        assert!(size(&dead) >= size(&source), "{source}");
        assert_eq!(named(&queues, &dead)["RedriveAllowPolicy"]["redrivePermission"], "byQueue", "{dead}");
    }
}

#[test]
fn the_ledger_outlives_every_dead_letter() {
    let main = Template::read(MAIN);
    let queues = main.resources("AWS::SQS::Queue");
    let dead = dead_letters(&queues);
    let longest = dead.values().map(|name| number(&named(&queues, name)["MessageRetentionPeriod"]));
    let longest = longest.fold(0.0, f64::max);
    assert!(longest >= 86_400.0);
    let least = main.raw("/Parameters/RetentionDays/MinValue");
    assert!(number(least) * 86_400.0 > longest, "records go before their dead letters");
    // With every option, each function that writes to the table gets its name.
    for main in [main, with_options()] {
        for (name, function) in main.resources("AWS::Serverless::Function") {
            let told = &function["Environment"]["Variables"];
            if told.get("TABLE_NAME").is_some() {
                assert!(number(&told["RETENTION_DAYS"]) * 86_400.0 > longest, "{name}");
            }
        }
    }
}

#[test]
fn every_queue_has_dead_letters_and_is_encrypted() {
    for main in [Template::read(MAIN), with_options()] {
        let queues = main.resources("AWS::SQS::Queue");
        let pairs = dead_letters(&queues);
        let dead: BTreeSet<_> = pairs.values().collect();
        for (name, queue) in &queues {
            assert_ne!(pairs.contains_key(*name), dead.contains(name), "{name} is a source or a dead-letter queue");
            let managed = queue["SqsManagedSseEnabled"] == true;
            assert!(managed || queue["KmsMasterKeyId"].is_string(), "{name} is not encrypted");
        }
    }
}

#[test]
fn the_queue_and_the_processor_give_up_after_the_same_attempts() {
    let main = Template::read(MAIN);
    let (queues, functions) = (main.resources("AWS::SQS::Queue"), main.resources("AWS::Serverless::Function"));
    let told = &named(&functions, "ProcessorFunction")["Environment"]["Variables"]["MAX_RECEIVE_COUNT"];
    assert_eq!(number(&named(&queues, "NotificationsQueue")["RedrivePolicy"]["maxReceiveCount"]), number(told));
}

#[test]
fn mappings_use_at_most_the_reserved_concurrency() {
    let main = with_options();
    let functions = main.resources("AWS::Serverless::Function");
    for (name, mapping) in main.resources("AWS::Lambda::EventSourceMapping") {
        let function = named(&functions, &target(&mapping["FunctionName"]));
        let reserved = &function["ReservedConcurrentExecutions"];
        if !reserved.is_null() {
            assert!(number(&mapping["ScalingConfig"]["MaximumConcurrency"]) <= number(reserved), "{name}");
        }
    }
}

#[test]
fn every_function_has_a_log_group_with_retention() {
    let main = Template::read(MAIN);
    let groups = main.resources("AWS::Logs::LogGroup");
    for (name, group) in &groups {
        assert!(number(&group["RetentionInDays"]) >= 1.0, "{name}");
    }
    for (name, function) in main.resources("AWS::Serverless::Function") {
        named(&groups, &target(&function["LoggingConfig"]["LogGroup"]));
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON", "{name}");
    }
}

#[test]
fn lambda_logs_failures_and_optionally_more() {
    let main = || Template::read(MAIN).with("OperationsAuthorizer", "iam".into());
    for (main, level) in [(main(), "WARN"), (main().with("SystemLogLevel", "INFO".into()), "INFO")] {
        let functions = main.resources("AWS::Serverless::Function");
        assert_eq!(functions.len(), 6);
        for (name, function) in functions {
            assert_eq!(function["LoggingConfig"]["SystemLogLevel"], level, "{name}");
        }
    }
}

#[test]
fn the_api_is_throttled_and_times_out_after_its_function() {
    let main = Template::read(MAIN);
    let stages = main.resources("AWS::ApiGatewayV2::Stage");
    assert!(!stages.is_empty());
    for (name, stage) in stages {
        for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
            assert!(number(&stage["DefaultRouteSettings"][limit]) >= 1.0, "{name}");
        }
    }
    let functions = main.resources("AWS::Serverless::Function");
    let (_, integration) = &main.resources("AWS::ApiGatewayV2::Integration")[0];
    let timeout = number(&named(&functions, "IntakeFunction")["Timeout"]) * 1000.0;
    assert!(number(&integration["TimeoutInMillis"]) > timeout);
}

/// They are open to everybody. The local AWS does not throttle.
#[test]
fn six_people_can_load_the_console_at_once_and_a_flood_of_it_is_bounded() {
    let limits = |main: &Template, route: &str| {
        let (_, stage) = main.resources("AWS::ApiGatewayV2::Stage").remove(0);
        let settings = stage["RouteSettings"][route].clone();
        let limits = ["ThrottlingRateLimit", "ThrottlingBurstLimit"];
        (!settings.is_null()).then(|| limits.map(|limit| number(&settings[limit])))
    };
    let (page, file) = ("GET /operations/console", "GET /operations/console/{file}");
    let terraform = repo_checks::read("terraform/api.tf");
    for (authorizer, exists) in [("none", false), ("iam", false), ("jwt", true)] {
        let main = Template::read(MAIN).with("OperationsAuthorizer", authorizer.into());
        for route in [page, file] {
            let limits = limits(&main, route);
            assert_eq!(limits.is_some(), exists, "{authorizer}: AWS refuses settings of a route that is not there");
            let Some([rate, burst]) = limits else { continue };
            assert!(rate <= 50.0, "{route}");
            let same = |line: &str| line.contains(&format!("\"{route}\"")) && line.contains(&format!("rate = {rate},"));
            let same = |line: &str| same(line) && line.ends_with(&format!("burst = {burst} }}"));
            assert!(terraform.lines().any(same), "terraform/api.tf: {route}");
        }
    }
    let main = with_options();
    // The page is no file, and `config.json` is one more.
    let files = fs::read_dir(root().join("functions/operations/console")).unwrap().count();
    let [of_page, of_files] = [page, file].map(|route| limits(&main, route).expect("it has limits")[1]);
    assert!(of_page >= 6.0 && of_files >= 6.0 * f64::from(u32::try_from(files).unwrap()), "{files} files");
    let waits = main.raw("/Resources/Stage/Metadata/Waits").to_string();
    assert!(waits.contains("ConsoleRoute") && waits.contains("ConsoleFilesRoute"), "{waits}");
}

#[test]
fn a_provisioned_table_and_its_indexes_scale_with_traffic() {
    let main = Template::read(MAIN).with("TableCapacity", "provisioned".into());
    let (_, table) = main.resources("AWS::DynamoDB::Table").remove(0);
    assert_eq!(table["BillingMode"], "PROVISIONED");
    let indexes = elements(&table["GlobalSecondaryIndexes"]);
    for of in indexes.iter().copied().chain([&table]) {
        assert!(number(&of["ProvisionedThroughput"]["WriteCapacityUnits"]) >= 1.0, "{of}");
    }
    let names = indexes.iter().map(|index| format!("index/{}", text(&index["IndexName"])));
    let expected: BTreeSet<String> =
        names.chain(["table".to_owned()]).flat_map(|name| [format!("{name} Read"), format!("{name} Write")]).collect();

    let scaling = Template::read("scaling.yaml");
    let targets = scaling.resources("AWS::ApplicationAutoScaling::ScalableTarget");
    let followed = scaling.resources("AWS::ApplicationAutoScaling::ScalingPolicy").into_iter().map(|(_, policy)| {
        let target = named(&targets, &target(&policy["ScalingTargetId"]));
        let configuration = &policy["TargetTrackingScalingPolicyConfiguration"];
        let metric = text(&configuration["PredefinedMetricSpecification"]["PredefinedMetricType"]);
        let units = metric.trim_start_matches("DynamoDB").trim_end_matches("CapacityUtilization").to_owned();
        let resource = text(&target["ResourceId"]["Fn::Sub"]);
        let name = resource.trim_start_matches("table/${TableName}").trim_start_matches('/');
        let name = if name.is_empty() { "table" } else { name };
        let kind = name.split('/').next().unwrap();
        assert_eq!(target["ScalableDimension"], format!("dynamodb:{kind}:{units}CapacityUnits"), "{name}");
        format!("{name} {units}")
    });
    assert_eq!(followed.collect::<BTreeSet<_>>(), expected);
}

/// Autoscaling refuses more at least than at most, but only when the table has been changed.
#[test]
fn rejects_a_least_capacity_above_the_most() {
    let main = Template::read(MAIN);
    let [least, most] = ["TableLeastUnits/MaxValue", "TableMostUnits/MinValue"]
        .map(|limit| number(main.raw(&format!("/Parameters/{limit}"))));
    assert!(least <= most, "{least} at least, {most} at most");
}

/// If the names differ, DynamoDB silently deletes nothing.
#[test]
fn the_tables_expiry_attribute_is_the_one_that_the_store_writes() {
    let main = Template::read(MAIN);
    let (_, table) = main.resources("AWS::DynamoDB::Table").remove(0);
    assert_eq!(table["TimeToLiveSpecification"]["Enabled"], true);
    let folder = root().join("shared/store/src");
    let files = files(|path| path.starts_with(&folder) && path.extension().is_some_and(|end| end == "rs"));
    let source: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let attribute = text(&table["TimeToLiveSpecification"]["AttributeName"]);
    // Every write names the attribute literally.
    let written = source.matches("\", self.ttl(").count();
    assert!(written > 10, "{written}");
    assert_eq!(source.matches(&format!("\"{attribute}\", self.ttl(")).count(), written);
}

#[test]
fn an_on_demand_table_has_no_scaling() {
    let main = Template::read(MAIN);
    let (_, table) = main.resources("AWS::DynamoDB::Table").remove(0);
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    for of in elements(&table["GlobalSecondaryIndexes"]).into_iter().chain([&table]) {
        assert!(of["ProvisionedThroughput"].is_null(), "{of}");
    }
    let nested = main.resources("AWS::Serverless::Application");
    assert!(nested.iter().all(|(_, stack)| stack["Location"] != "scaling.yaml"));
}
