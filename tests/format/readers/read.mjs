// Reads what release/ writes with CBOR and COSE of other hands, and proves it with Node's own crypto.
//   read.mjs MODULES FOLDER     the packages' folder; the files of write_examples
// Nothing here knows our code: digests and signatures are computed from the files anew.
import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, folder] = process.argv.slice(2);
const require = createRequire(modules + '/reader.js');
const cbor = require('cbor');
const { Sign1, Headers, Algorithms } = require('@auth0/cose');

const file = (name) => readFileSync(`${folder}/${name}`);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
// Equal bytes again: the encoding is the canonical one, and nothing follows it.
const decode = (bytes) => {
  const value = cbor.decodeFirstSync(bytes, { preferMap: true });
  assert.deepEqual(cbor.encodeCanonical(value), bytes);
  return value;
};

const point = file('point');
const key = createPublicKey({
  format: 'jwk',
  key: {
    kty: 'EC', crv: 'P-256',
    x: point.subarray(0, 32).toString('base64url'), y: point.subarray(32).toString('base64url'),
  },
});
const wrap = (bytes) => cbor.encode(bytes);
let checks = 0;

async function verify(message, detachedPayload) {
  const sign1 = Sign1.decode(message);
  const options = { algorithms: [Algorithms.ES256], ...(detachedPayload && { detachedPayload }) };
  await sign1.verify(key, options);
  assert.deepEqual(Buffer.from(sign1.protectedHeaders.get(Headers.KeyID)), sha256(point));
  const bad = Buffer.from(message);
  bad[bad.length - 1] ^= 1;
  await assert.rejects(Sign1.decode(bad).verify(key, options)); // the check is able to fail
  checks += 2;
  return sign1;
}

function sameAsWritten(manifest, install) {
  assert.deepEqual([...manifest.keys()], [1, 2, 3, 7, 20]);
  assert.equal(manifest.get(1), 1);
  assert.equal(manifest.get(2), 5);
  const common = decode(manifest.get(3));
  assert.deepEqual(common.get(2), [[Buffer.from([0])], [Buffer.from([1])]]);
  const shared = decode(common.get(4));
  assert.deepEqual(shared.slice(0, 3), [12, 0, 20]);
  assert.deepEqual(shared[3].get(1), Buffer.alloc(16, 0x11));
  assert.deepEqual(shared[3].get(2), Buffer.alloc(16, 0x22));
  const slots = shared[9].map((sequence) => decode(sequence));
  for (const [slot, fill, size] of [[0, 0xa0, 9000], [1, 0xb0, 9004]]) {
    assert.deepEqual(slots[slot][1], new Map([[5, slot]]));
    assert.deepEqual(decode(slots[slot][5].get(3)), [-16, Buffer.alloc(32, fill)]);
    assert.equal(slots[slot][5].get(14), size);
  }
  const ways = decode(install)[3].map((sequence) => decode(sequence));
  assert.equal(ways.length, 3);
  assert.deepEqual(ways[0].find((item) => item instanceof Map && item.has(21)),
    new Map([[21, '2/delta-1-a.pmp'], [-257, 1], [-258, 800]]));
  assert.deepEqual(ways.slice(1).map((way) => way[7].get(21)), ['2/slot-a.bin', '2/slot-b.bin']);
  checks++;
}

async function envelope(name, severed) {
  const tagged = decode(file(name));
  assert.equal(tagged.tag, 107);
  const elements = tagged.value;
  assert.deepEqual([...elements.keys()], severed ? [2, 3, 20] : [2, 3]);
  const [digest, signature] = decode(elements.get(2));
  assert.deepEqual(decode(digest), [-16, sha256(wrap(elements.get(3)))]);
  await verify(signature, digest);
  const manifest = decode(elements.get(3));
  if (severed) assert.deepEqual(manifest.get(20), [-16, sha256(wrap(elements.get(20)))]);
  sameAsWritten(manifest, severed ? elements.get(20) : manifest.get(20));
}

await envelope('whole.suit', false);
await envelope('severed.suit', true);

const channel = await verify(file('channel.cose'));
assert.deepEqual(decode(Buffer.from(channel.payload)), new Map([
  [1, 1], [2, 41], [3, Buffer.alloc(16, 0x11)], [4, Buffer.alloc(16, 0x22)],
  [5, 1700000000], [6, 1700600000], [7, [3, 'root/3.bin']],
  [8, [[5, 2, '2/envelope.suit', Buffer.from('33' + '00'.repeat(31), 'hex'), 717, 250,
    Buffer.from([1, 2, 3, 0, 0, 0, 0, 0])]]],
]));
decode(file('channel.cose'));
console.log(`${checks + 1} checks by other implementations hold`);
