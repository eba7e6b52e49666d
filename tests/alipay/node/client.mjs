// Alipay's own SDK, driven by lines of JSON: {"call": method, "biz": {…}, "common": {…}} or {"verify": form}.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AlipaySdk } from 'alipay-sdk';

const given = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sdk = new AlipaySdk({
  appId: given.app_id,
  privateKey: given.private_key,
  keyType: given.key_type,
  alipayPublicKey: given.public_key,
  gateway: given.gateway,
  camelcase: false,
});

async function answer(asked) {
  if (asked.verify) return { verified: sdk.checkNotifySignV2(asked.verify) };
  try {
    // the SDK throws when the signature of the answer is not right
    return { result: await sdk.exec(asked.call, { bizContent: asked.biz, ...asked.common }, { validateSign: true }) };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n');
}
