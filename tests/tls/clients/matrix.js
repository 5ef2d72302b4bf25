// Makes TLS connections with Node's own `tls`, one for each line of JSON on standard input, and says what became of each.
// Knows nothing of certificates or policies. Served means: enough bytes of an answer were read after the handshake.

"use strict";

const fs = require("fs");
const readline = require("readline");
const tls = require("tls");

const TIMEOUT_MS = 15000;
// What a client that was refused may see. Everything else, above all a fault of the server's own certificate, ends the program.
const REFUSALS = /^(ECONNRESET|EPIPE|ERR_SSL_.*ALERT.*|ERR_SSL_TLSV1_.*)$/;

function connect(test) {
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: test.port,
      servername: "localhost",
      ca: fs.readFileSync(test.authority),
      minVersion: test.version,
      maxVersion: test.version,
    };
    if (test.key) {
      options.key = fs.readFileSync(test.key);
      options.cert = fs.readFileSync(test.chain);
    }
    const socket = tls.connect(options);
    let received = 0;
    const finish = (outcome, said) => {
      socket.destroy();
      resolve({ name: test.name, outcome, said });
    };
    socket.setTimeout(TIMEOUT_MS, () => reject(new Error(`${test.name}: neither an answer nor an end`)));
    socket.on("secureConnect", () => socket.write(Buffer.from(test.question, "hex")));
    socket.on("data", (bytes) => {
      received += bytes.length;
      if (received >= test.enough) finish("served", `${socket.getProtocol()} ${socket.getCipher().name}`);
    });
    socket.on("error", (error) => {
      if (REFUSALS.test(error.code)) finish("refused", error.code);
      else reject(new Error(`${test.name}: ${error.code} ${error.message}`));
    });
    socket.on("close", () => finish("refused", "end of stream"));
  });
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await connect(JSON.parse(line))));
  }
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
