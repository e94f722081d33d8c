// Security: the token verifier, through the probe, against tokens that Node's own cryptography and
// jose make.  What this file holds off:
//   algorithm confusion         none, HMAC with the public key, an algorithm that is not the key's
//   keys of the token's own     jwk, jku, x5u, x5c; extensions: crit, b64
//   other forms                 padding, the other alphabet, stray bits, empty and extra parts, DER
//   ECDSA's edges               r or s zero, n and above
//   claims                      out of range, of another type, given twice
//   keys that will not do       private parts, short, even, e = 1 or 3, another curve, for encryption
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, describe, test } from 'node:test';
import * as jose from 'jose';
import { BUILD } from './harness.mjs';

const NOW = 1_700_000_000;
const CLAIMS = { iss: 'https://idp.example', aud: 'api', sub: 'alice', exp: NOW + 100, iat: NOW };
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const P256_ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

class Probe {
	constructor() {
		this.child = spawn(path.join(BUILD, 'tests/probe'), { stdio: ['pipe', 'pipe', 'inherit'] });
		this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
	}

	async ask(question) {
		this.child.stdin.write(`${JSON.stringify(question)}\n`);
		return JSON.parse((await this.lines.next()).value);
	}

	close() {
		this.child.stdin.end();
	}
}

const KINDS = {
	RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }],
	ES384: ['ec', { namedCurve: 'P-384' }], ES512: ['ec', { namedCurve: 'P-521' }], EdDSA: ['ed25519'],
};
const made = {};
// One key of each kind; RSA's does all of its algorithms.
function keyFor(alg) {
	const kind = /^[RP]S/.test(alg) ? 'RS256' : alg;
	made[kind] ??= crypto.generateKeyPairSync(...KINDS[kind]);
	return made[kind];
}
const jwkOf = (alg, more = {}) => ({ ...keyFor(alg).publicKey.export({ format: 'jwk' }), ...more });
const setOf = (...keys) => ({ keys });

// A signature over any header and payload, by Node.
function sign(alg, header, payload, { encoding = 'ieee-p1363', salt = Number(alg.slice(2)) / 8 } = {}) {
	const text = Buffer.from(`${encode(header)}.${encode(payload)}`);
	const { privateKey: key } = keyFor(alg);
	const digest = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
	const options = alg.startsWith('PS') ?
		{ key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: salt } : { key, dsaEncoding: encoding };
	return `${text}.${crypto.sign(digest, text, options).toString('base64url')}`;
}
const good = (alg, header = {}, claims = {}) => sign(alg, { alg, ...header }, { ...CLAIMS, ...claims });

describe('the verifier', () => {
	let probe;
	before(() => { probe = new Probe(); });
	after(() => probe?.close());

	const jws = (token, jwks, more = {}) => probe.ask({ verb: 'jws', token, jwks, now_s: NOW, ...more });

	async function assertRefused(token, jwks, reason, more) {
		const reply = await jws(token, jwks, more);
		assert.equal(reply.ok, false, `accepted: ${JSON.stringify(reply.value)}`);
		if (reason) assert.equal(reply.error, reason);
	}

	for (const alg of ALGORITHMS) {
		test(`takes ${alg} of jose and of Node, and no changed bit`, async () => {
			const keys = setOf(jwkOf(alg, { alg, kid: 'k' }));
			const byJose = await new jose.SignJWT(CLAIMS).setProtectedHeader({ alg, kid: 'k', typ: 'at+jwt' })
				.sign(keyFor(alg).privateKey);
			for (const token of [byJose, good(alg, { kid: 'k' })]) {
				const reply = await jws(token, keys, { issuer: CLAIMS.iss, audience: 'api', algorithms: [alg] });
				assert.deepEqual(reply, { ok: true, value: CLAIMS });
				const at = token.lastIndexOf('.') + 11;
				const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
				await assertRefused(changed, keys, 'bad_signature');
			}
		});
	}

	test('holds the algorithm against the key and against what was asked for', async () => {
		for (const [says, key] of [['RS256', 'PS256'], ['PS256', 'RS256'], ['RS512', 'RS256']])
			await assertRefused(good(says), setOf(jwkOf('RS256', { alg: key })), 'wrong_algorithm');
		for (const [says, key] of [['ES256', 'ES384'], ['ES384', 'ES256'], ['EdDSA', 'ES256'], ['RS256', 'EdDSA']])
			await assertRefused(good(says), setOf(jwkOf(key)), 'wrong_algorithm');
		await assertRefused(good('ES256'), setOf(jwkOf('ES256')), 'wrong_algorithm', { algorithms: ['RS256'] });
		await assertRefused(good('ES256'), setOf(jwkOf('ES256')), 'wrong_algorithm', { algorithms: [] });
	});

	test('refuses none and HMAC with the public key', async () => {
		const keys = setOf(jwkOf('RS256'));
		for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'HS512', 'ES512', 'PS384', 'ES256K', 'RS1', null, 256, ['RS256']])
			await assertRefused(`${encode({ alg })}.${encode(CLAIMS)}.AAAA`, keys, 'bad_algorithm');
		await assertRefused(`${encode({ alg: 'none' })}.${encode(CLAIMS)}.`, keys, 'not_a_token');
		const { publicKey } = keyFor('RS256');
		for (const secret of [publicKey.export({ type: 'spki', format: 'pem' }), publicKey.export({ type: 'spki', format: 'der' }),
			Buffer.from(keys.keys[0].n, 'base64url'), '']) {
			const text = `${encode({ alg: 'HS256' })}.${encode(CLAIMS)}`;
			const mac = crypto.createHmac('sha256', secret).update(text).digest('base64url');
			await assertRefused(`${text}.${mac}`, keys, 'bad_algorithm');
		}
	});

	test('takes no key and no extension from the token', async () => {
		const own = jwkOf('ES256');
		for (const more of [{ jwk: own }, { jku: 'https://idp.example/keys' }, { x5u: 'https://idp.example/c' }, { x5c: ['MIIB'] },
			{ crit: ['exp'] }, { crit: [] }, { crit: ['b64'], b64: false }, { b64: false }, { jwk: null }])
			await assertRefused(good('ES256', more), setOf(own), 'refused_header');
	});

	test('takes one form of a token and no other', async () => {
		const keys = setOf(jwkOf('ES256'));
		const token = good('ES256');
		const [h, p, s] = token.split('.');
		const stray = s.slice(0, -1) + String.fromCharCode(s.charCodeAt(s.length - 1) + 1);
		const other = Buffer.from(s, 'base64url').toString('base64').replace(/=+$/, '');
		const forms = ['', '.', '..', '...', h, `${h}.${p}`, `${h}.${p}.`, `.${p}.${s}`, `${h}..${s}`, `${token}.`, `.${token}`,
			`${token}.x`, `${token}.x.y`, `${h}=.${p}.${s}`, `${h}.${p}=.${s}`, `${token}=`, `${token}==`, ` ${token}`, `${token}\n`,
			`${h}. ${p}.${s}`, `${h}.${p}.${stray}`, `${h}.${p}.${s}A`, JSON.stringify({ payload: p, protected: h, signature: s })];
		if (/[+/]/.test(other)) forms.push(`${h}.${p}.${other}`);
		for (const form of forms) await assertRefused(form, keys);
		await assertRefused(good('ES256', { x: 'a'.repeat(2000) }), keys, 'header_too_long');
		await assertRefused(good('ES256', {}, { x: 'a'.repeat(8192) }), keys, 'too_long');
		await assertRefused(sign('ES256', '{"alg":"none","alg":"ES256"}', CLAIMS), keys, 'bad_header');
		await assertRefused(sign('ES256', '{"alg":"ES256","\\u0061lg":"ES256"}', CLAIMS), keys, 'bad_header');
		assert.equal((await jws(sign('ES256', ' {"\\u0061lg" :"ES\\u003256"}', CLAIMS), keys)).ok, true);
	});

	test('takes ECDSA as two numbers in range, and never as DER', async () => {
		const keys = setOf(jwkOf('ES256'));
		const [h, p, s] = good('ES256').split('.');
		const bytes = Buffer.from(s, 'base64url');
		const [r, t] = [bytes.subarray(0, 32), bytes.subarray(32)];
		const zero = Buffer.alloc(32), max = Buffer.alloc(32, 255), n = P256_ORDER;
		for (const pair of [[zero, zero], [zero, t], [r, zero], [n, t], [r, n], [n, n], [max, t], [r, max], [t, r]])
			await assertRefused(`${h}.${p}.${Buffer.concat(pair).toString('base64url')}`, keys, 'bad_signature');
		for (const odd of [bytes.subarray(0, 63), Buffer.concat([bytes, zero.subarray(0, 1)]), Buffer.concat([zero, r, zero, t])])
			await assertRefused(`${h}.${p}.${odd.toString('base64url')}`, keys, 'wrong_algorithm');
		await assertRefused(sign('ES256', { alg: 'ES256' }, CLAIMS, { encoding: 'der' }), keys, 'wrong_algorithm');
	});

	test('takes PSS with a salt as long as the digest', async () => {
		for (const salt of [0, 20, 31, 33])
			await assertRefused(sign('PS256', { alg: 'PS256' }, CLAIMS, { salt }), setOf(jwkOf('PS256')), 'bad_signature');
	});

	test('reads times as numbers within reason', async () => {
		const keys = setOf(jwkOf('EdDSA'));
		const raw = (members) => sign('EdDSA', { alg: 'EdDSA' }, `{"sub":"a",${members}}`);
		for (const exp of ['null', 'true', '"1700000100"', '-1', '-0.1', '9223372036854775807', '1e300', '100000000000', '[]', '{}'])
			await assertRefused(raw(`"exp":${exp}`), keys, 'bad_exp');
		await assertRefused(raw('"exp":1e999'), keys, 'bad_payload');
		await assertRefused(raw('"exp":99999999999999999999'), keys, 'bad_payload');
		await assertRefused(raw('"iat":1'), keys, 'bad_exp');
		await assertRefused(raw(`"exp":${NOW}`), keys, 'expired');
		await assertRefused(raw(`"exp":${NOW}.0`), keys, 'expired');
		for (const exp of [`${NOW + 1}`, `${NOW}.5`, '1.7000001e9'])
			assert.equal((await jws(raw(`"exp":${exp}`), keys)).ok, true, exp);
		for (const name of ['nbf', 'iat']) {
			await assertRefused(raw(`"exp":${NOW + 9},"${name}":${NOW + 1}`), keys, 'not_yet_valid');
			await assertRefused(raw(`"exp":${NOW + 9},"${name}":"0"`), keys, 'bad_time');
			await assertRefused(raw(`"exp":${NOW + 9},"${name}":-1`), keys, 'bad_time');
		}
		await assertRefused(raw(`"exp":${NOW - 9},"exp":${NOW + 9}`), keys, 'bad_payload');
		await assertRefused(raw(`"exp":${NOW - 9},"\\u0065xp":${NOW + 9}`), keys, 'bad_payload');
	});

	test('compares issuer and audience exactly', async () => {
		const keys = setOf(jwkOf('EdDSA'));
		const ask = { issuer: CLAIMS.iss, audience: 'api' };
		for (const aud of ['api', ['api'], ['x', 'api']])
			assert.equal((await jws(good('EdDSA', {}, { aud }), keys, ask)).ok, true, JSON.stringify(aud));
		for (const aud of ['API', 'api ', '', [], ['x'], [['api']], { api: 1 }, null, 'api\0'])
			await assertRefused(good('EdDSA', {}, { aud }), keys, 'wrong_audience', ask);
		for (const iss of ['https://idp.example/', 'https://IDP.example', [CLAIMS.iss], null, 'http://idp.example'])
			await assertRefused(good('EdDSA', {}, { iss }), keys, 'wrong_issuer', ask);
		const escaped = sign('EdDSA', { alg: 'EdDSA' }, JSON.stringify(CLAIMS).replace('"api"', '"\\u0061pi"').replace('"iss"', '"\\u0069ss"'));
		assert.deepEqual((await jws(escaped, keys, ask)).value, CLAIMS);
	});

	test('gives the bytes of a payload that is no JSON object, when nothing was asked of it', async () => {
		const keys = setOf(jwkOf('ES256'));
		const token = sign('ES256', { alg: 'ES256' }, 'foo');
		assert.deepEqual(await jws(token, keys), { ok: true, value: { payload_base64: 'Zm9v' } });
		await assertRefused(token, keys, 'bad_payload', { issuer: CLAIMS.iss });
		await assertRefused(token, keys, 'bad_payload', { audience: 'api' });
	});

	test('chooses the key by its name', async () => {
		const other = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
		const keys = setOf({ ...other, kid: 'b' }, jwkOf('ES256', { kid: 'a' }));
		assert.equal((await jws(good('ES256', { kid: 'a' }), keys)).ok, true);
		assert.equal((await jws(good('ES256'), keys)).ok, true);
		await assertRefused(good('ES256', { kid: 'b' }), keys, 'bad_signature');
		await assertRefused(good('ES256', { kid: 'c' }), keys, 'unknown_key');
		for (const kid of [7, null, ['a'], 'a'.repeat(200)])
			await assertRefused(good('ES256', { kid }), keys, 'bad_header');
		await assertRefused(good('ES256', { kid: 'a' }), setOf({ ...other, kid: 'a' }, jwkOf('ES256', { kid: 'a' })), 'unknown_key');
	});

	test('says which keys of a set are used, and why others are not', async () => {
		const rsa = jwkOf('RS256');
		const short = crypto.generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
		const e3 = crypto.generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey.export({ format: 'jwk' });
		const even = Buffer.from(rsa.n, 'base64url');
		even[even.length - 1] &= 0xfe;
		const ec = jwkOf('ES256');
		const refused = [
			[{ ...rsa, use: 'enc' }, /not for verifying/], [{ ...rsa, key_ops: ['encrypt'] }, /not for verifying/],
			[{ ...rsa, key_ops: 'verify' }, /not for verifying/], [{ ...rsa, alg: 'RSA-OAEP' }, /alg/], [{ ...rsa, alg: 'HS256' }, /alg/], [{ ...rsa, alg: 'PS512' }, /alg/],
			[{ ...rsa, e: 'AQ' }, /RSA/], [{ ...rsa, e: 'AQAA' }, /RSA/], [{ ...rsa, e: 'AQAAAAAB' }, /large/],
			[{ ...rsa, n: even.toString('base64url') }, /RSA/], [{ ...rsa, n: `${rsa.n}=` }, /base64url/], [{ ...rsa, n: `AA${rsa.n}` }, /zeros/],
			[short, /2048/], [e3, /RSA/], [keyFor('RS256').privateKey.export({ format: 'jwk' }), /private/],
			[keyFor('ES256').privateKey.export({ format: 'jwk' }), /private/], [{ kty: 'oct', k: 'c2VjcmV0' }, /shared/],
			[jwkOf('ES512'), /kty or crv/], [{ ...ec, crv: 'P-384' }, /coordinate/], [{ ...ec, x: ec.y }, /curve/],
			[{ ...ec, alg: 'ES384' }, /alg/], [{ kty: 'EC' }, /kty or crv/], [{}, /kty/], [[], /object/], [null, /object/], ['x', /object/],
		];
		const used = [{ ...rsa, kid: '1' }, { ...rsa, kid: '2', alg: 'PS256' }, { ...ec, key_ops: ['verify'], use: 'sig' }, jwkOf('EdDSA')];
		const reply = await probe.ask({ verb: 'jwks', document: setOf(...used, ...refused.map(([key]) => key)) });
		assert.deepEqual(reply.value.keys, [
			{ kid: '1', algorithms: ['RS256', 'RS384', 'RS512', 'PS256'] }, { kid: '2', algorithms: ['PS256'] },
			{ kid: null, algorithms: ['ES256'] }, { kid: null, algorithms: ['EdDSA'] },
		]);
		assert.equal(reply.value.refused.length, refused.length);
		for (const [i, { index, reason }] of reply.value.refused.entries()) {
			assert.equal(index, used.length + i);
			assert.match(reason, refused[i][1], JSON.stringify(refused[i][0]));
		}
		for (const document of [[], {}, { keys: {} }, 'x', '{"keys":[],"keys":[]}', 7])
			assert.equal((await probe.ask({ verb: 'jwks', document })).ok, false, JSON.stringify(document));
	});

	test('uses 32 keys of a set and no more', async () => {
		const many = Array.from({ length: 40 }, (_, i) => jwkOf('EdDSA', { kid: `k${i}` }));
		const { value } = await probe.ask({ verb: 'jwks', document: setOf(...many) });
		assert.equal(value.keys.length, 32);
		assert.equal(value.refused.length, 8);
	});
});
