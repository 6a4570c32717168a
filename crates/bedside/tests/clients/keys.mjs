// Makes a client's key pairs, as a client's own tools would: one EC, one RSA. Writes the private ones beside the public ones.
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";

const [folder] = process.argv.slice(2);
const made = [
  ["ES384", generateKeyPairSync("ec", { namedCurve: "P-384" })],
  ["RS384", generateKeyPairSync("rsa", { modulusLength: 2048 })],
];
const publicKeys = [];
for (const [alg, pair] of made) {
  const kid = `client-${alg}`;
  publicKeys.push({ ...pair.publicKey.export({ format: "jwk" }), kid, alg, use: "sig", key_ops: ["verify"] });
  const secret = { ...pair.privateKey.export({ format: "jwk" }), kid, alg, key_ops: ["sign"] };
  writeFileSync(`${folder}/${alg}.jwks`, JSON.stringify({ keys: [secret] }), { mode: 0o600 });
}
writeFileSync(`${folder}/public.jwks.json`, JSON.stringify({ keys: publicKeys }));
