/** Keys made here are the ones the NATS library knows, and its signatures are ours. */
import { strict as assert } from 'node:assert';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { test } from 'vitest';
import { createUserKey, nkeyAuthenticator, publicOf } from './nkey.ts';

const encoder = new TextEncoder();

test('seed, public key and signature agree with the library in both directions', () => {
  for (let i = 0; i < 20; i++) {
    const own = createUserKey();
    const pair = fromSeed(encoder.encode(own.seed));
    assert.equal(pair.getPublicKey(), own.public);
    const theirs = createUser();
    const seed = new TextDecoder().decode(theirs.getSeed());
    assert.equal(publicOf(seed), theirs.getPublicKey());
    const answer = nkeyAuthenticator(seed)(`nonce ${i}`) as { nkey: string; sig: string };
    assert.deepEqual(answer, {
      nkey: theirs.getPublicKey(),
      sig: Buffer.from(theirs.sign(encoder.encode(`nonce ${i}`))).toString('base64url'),
    });
  }
});

test('what is no seed of a user key is refused', () => {
  const { seed, public: publicKey } = createUserKey();
  const damaged = `${seed.slice(0, 10)}${seed[10] === 'A' ? 'B' : 'A'}${seed.slice(11)}`;
  for (const text of ['', 'SU', publicKey, damaged, seed.toLowerCase(), `${seed}A`]) assert.throws(() => publicOf(text), RangeError);
});
