// Stands in for the native part of aws-lambda-ric, libcurl behind three functions, which takes
// cmake, autotools and a C++ compiler to build. install.py puts it where the package looks for that
// part.

const http = require("node:http");

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
// One connection, so that an answer has arrived before the next event is asked for.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function request(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const options = { hostname, port, agent, method, headers, path: `/2018-06-01/runtime/invocation/${path}` };
    const sent = http.request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function post(path, body, headers) {
  const length = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  // Without the Runtime API the process can neither report nor do anything.
  request("POST", path, { ...length, ...headers }, body).catch(() => process.exit(1));
}

exports.next = async () => {
  const { headers, body } = await request("GET", "next", {});
  return { bodyJson: body, headers };
};

exports.done = (id, body) => post(`${id}/response`, body, {});

exports.error = (id, body, xray) =>
  post(`${id}/error`, body, {
    "lambda-runtime-function-error-type": "Unhandled",
    "lambda-runtime-function-xray-error-cause": xray,
  });
