// Prints an access token for the clients that take one ready-made.
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const { B: base, KEY: file, CLIENT: client } = process.env;
const [jwk] = JSON.parse(readFileSync(file, "utf8")).keys;
const smart = await (await fetch(`${base}/.well-known/smart-configuration`)).json();
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const now = Math.floor(Date.now() / 1000);
const head = part({ alg: jwk.alg, typ: "JWT", kid: jwk.kid });
const body = part({ iss: client, sub: client, aud: smart.token_endpoint, exp: now + 240, jti: randomUUID() });
const key = { key: createPrivateKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
const signature = sign("sha384", Buffer.from(`${head}.${body}`), key).toString("base64url");
const answer = await fetch(smart.token_endpoint, {
  method: "POST",
  body: new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: `${head}.${body}.${signature}`,
    scope: "system/*.read system/Observation.c",
  }),
});
const token = await answer.json();
if (!token.access_token) {
  throw new Error(JSON.stringify(token));
}
process.stdout.write(token.access_token);
