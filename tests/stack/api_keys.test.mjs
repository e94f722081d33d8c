// API keys as programs use them, behind real web servers: made, used, changed, limited,
// revoked, found in public; and in no log.
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, inParallel, policyFile, signIn } from './client.mjs';
import { SERVERS, startStack, temporaryFolder, until } from './harness.mjs';

const KEYS = '/v1/developer/keys', LEAKS = `${KEYS}/leaks`, ME = '/v1/auth/me';
const DAY_MS = 86400000;
const elsewhere = process.env.QUIVER_URL && 'it needs settings of its own';

const withKey = (key) => ({ headers: { 'x-api-key': key } });

async function makeKey(client, token, draft = {}) {
	const reply = await client.post(KEYS, { name: 'a test’s', scopes: ['profile', 'keys:manage'], ...draft }, { token });
	assert.equal(reply.status, 201, reply.text);
	return reply.json;
}

// A stack with somebody signed in.
function open(env, options) {
	const open = {};
	before(async () => {
		open.stack = await startStack('lighttpd', { env, ...options });
		open.client = new Client(open.stack.url);
		open.token = (await signIn(open.client)).access_token;
	});
	after(async () => {
		open.client?.close();
		await open.stack?.stop();
	});
	return open;
}

describe('a key is heard', () => {
	for (const kind of SERVERS)
		test(`in both headers behind ${kind}`, { skip: elsewhere }, async () => {
			const stack = await startStack(kind);
			const client = new Client(stack.url);
			try {
				const { key } = await makeKey(client, (await signIn(client)).access_token);
				for (const headers of [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }])
					assert.equal((await client.get(ME, { headers })).status, 200, Object.keys(headers)[0]);
				assert.equal((await client.get(ME, { headers: { 'x-api-key': [key, 'x'] } })).status, 401);
			} finally {
				client.close();
				await stack.stop();
			}
		});
});

describe('a key', { skip: elsewhere }, () => {
	const at = open({ TRUSTED_PROXIES: '127.0.0.1' });

	test('that does not do gets one answer, whatever is wrong with it', async () => {
		const { client, token, stack } = at;
		const revoked = await makeKey(client, token);
		assert.equal((await client.delete(`${KEYS}/${revoked.id}`, { token })).status, 204);
		const rotated = await makeKey(client, token);
		await client.post(`${KEYS}/${rotated.id}/rotate`, {}, { token });
		const elsewhereOnly = await makeKey(client, token, { allowed_ips: ['198.51.100.0/24'] });
		const expired = await makeKey(client, token, { expires_at: new Date(Date.now() + 300).toISOString() });
		const good = await makeKey(client, token);
		await until('the key expires', async () => (await client.get(ME, withKey(expired.key))).status === 401);
		const rows = { revoked, wrong_secret: rotated, address_not_allowed: elsewhereOnly, expired,
			no_api_key: { key: `${good.key.slice(0, -1)}${good.key.endsWith('0') ? '1' : '0'}` } };
		const bodies = new Set();
		for (const [reason, { key }] of Object.entries(rows)) {
			const reply = await client.get(ME, withKey(key));
			const { instance, ...problem } = reply.json;
			assert.equal(reply.status, 401, reason);
			assert.equal(reply.headers['www-authenticate'], 'Bearer error="invalid_token"');
			bodies.add(JSON.stringify(problem));
			const line = await until('its line', async () => stack.logLines().find((l) => l.request_id === instance));
			assert.equal(line.auth, reason);
		}
		assert.equal(bodies.size, 1);
		const both = await client.get(ME, { token, ...withKey(good.key) });
		assert.equal(both.status, 401);
	});

	test('works from where it may, by the address that a trusted proxy says', async () => {
		const { client, token } = at;
		const { key } = await makeKey(client, token, { allowed_ips: ['198.51.100.0/24', '2001:DB8::/32'] });
		const from = (address) => ({ headers: { 'x-api-key': key, 'x-forwarded-for': address } });
		for (const [address, status] of [['198.51.100.9', 200], ['198.51.101.9', 401], ['2001:db8::1', 200], ['2001:db9::1', 401]])
			assert.equal((await client.get(ME, from(address))).status, status, address);
	});

	test('is listed in pages, changed by its tag, and says its last use', async () => {
		const { client, token } = at;
		for (let i = 0; i < 5; i++)
			await makeKey(client, token, { name: `page ${i}` });
		const names = [];
		let target = `${KEYS}?limit=2`;
		while (target) {
			const reply = await client.get(target, { token });
			assert.equal(reply.status, 200);
			names.push(...reply.json.items.map(({ name }) => name));
			target = reply.headers.link && new URL(/<([^>]+)>/.exec(reply.headers.link)[1]).search.replace(/^/, KEYS);
		}
		assert.equal(new Set(names.slice(0, 5)).size, 5);
		assert.deepEqual(names.slice(0, 5), ['page 4', 'page 3', 'page 2', 'page 1', 'page 0']);

		const made = await makeKey(client, token);
		const one = await client.get(`${KEYS}/${made.id}`, { token });
		assert.equal((await client.get(`${KEYS}/${made.id}`, { token, headers: { 'if-none-match': one.headers.etag } })).status, 304);
		const tagged = { token, headers: { 'if-match': one.headers.etag } };
		assert.equal((await client.patch(`${KEYS}/${made.id}`, { name: 'renamed' }, tagged)).json.version, 2);
		assert.equal((await client.patch(`${KEYS}/${made.id}`, { name: 'late' }, tagged)).status, 412);
		assert.equal((await client.get(ME, withKey(made.key))).status, 200);
		const used = (await client.get(`${KEYS}/${made.id}`, { token })).json;
		assert.equal(used.last_used_address, '127.0.0.1');
		assert.ok(Math.abs(Date.parse(used.last_used_at) - Date.now()) < 60000);
		assert.equal(used.version, 2);
	});

	test('changes no password and ends no session', async () => {
		const { client, token } = at;
		const { key } = await makeKey(client, token);
		for (const [target, body] of [['/v1/auth/logout', { everywhere: true }],
			['/v1/auth/password/change', { old_password: 'x', new_password: 'a long enough one' }]]) {
			const reply = await client.post(target, body, withKey(key));
			assert.equal(reply.status, 403, target);
		}
		assert.equal((await client.get('/v1/auth/sessions', withKey(key))).status, 403);
		assert.equal((await client.delete(`/v1/auth/sessions/${crypto.randomUUID()}`, withKey(key))).status, 403);
		assert.equal((await client.get(ME, { token })).status, 200);
	});

	test('is over in every handler when it is deleted', async () => {
		const { client, token } = at;
		const made = await makeKey(client, token, { scopes: ['content:read', 'profile', 'keys:manage'] });
		const everywhere = ['/v1/blog', ME, KEYS];
		for (const target of everywhere)
			assert.equal((await client.get(target, withKey(made.key))).status, 200, target);
		assert.equal((await client.delete(`${KEYS}/${made.id}`, { token })).status, 204);
		for (const target of everywhere)
			assert.equal((await client.get(target, withKey(made.key))).status, 401, target);
	});

	test('is in no log, wherever it was sent', async () => {
		const { client, token, stack } = at;
		const { key } = await makeKey(client, token);
		const secret = key.slice(31, 71);
		const replies = [
			await client.get(ME, withKey(key)),
			await client.get(ME, { headers: { authorization: `Basic ${key}` } }),
			await client.get(ME, { headers: { authorization: `Bearer ${key}x` } }),
			await client.get(`/v1/blog/${key}`),
			await client.get(`/v1/blog?q=${key}`),
			await client.get(`/v1/blog?${key}=1`),
			await client.get(`/${key}/x`),
			await client.get('/v1/blog', { headers: { 'x-request-id': key, 'user-agent': key } }),
			await client.post(KEYS, { name: key, scopes: [key] }, { token }),
			await client.request(key, '/v1/blog').catch(() => ({})),
		];
		assert.equal(replies[0].status, 200);
		assert.ok(stack.logText().includes('"auth":"no_api_key"'));
		assert.ok(!stack.logText().includes(secret));
		for (const file of fs.readdirSync(stack.log))
			assert.ok(!fs.readFileSync(path.join(stack.log, file), 'utf8').includes(secret), file);
	});

	test('is in the log by its id', async () => {
		const { client, token, stack } = at;
		const made = await makeKey(client, token);
		const reply = await client.get(ME, withKey(made.key));
		const line = await until('its line', async () =>
			stack.logLines().find((l) => l.request_id === reply.headers['x-request-id']));
		assert.equal(line.api_key_id, made.id);
		assert.equal(line.principal, reply.json.id);
	});
});

describe('bodies in the log', { skip: elsewhere }, () => {
	const at = open({ LOG_BODIES: 'on' });

	test('hold no key', async () => {
		const { client, token, stack } = at;
		const { key } = await makeKey(client, token);
		await client.post(KEYS, { name: key, scopes: ['profile'] }, { token });
		await client.post('/v1/auth/login', { email: `${key}@example.com`, password: 'x' });
		for (const path of [KEYS, '/v1/auth/login'])
			await until('its line', async () => stack.logLines().some((l) => l.path === path));
		assert.ok(stack.logText().includes('[redacted]'));
		assert.ok(!stack.logText().includes(key.slice(31, 71)));
	});
});

describe('the limits of a plan', { skip: elsewhere }, () => {
	const PROCESSES = 4, CLIENTS = 32;
	const at = open({ LIMITS: policyFile([
		{ name: 'enterprise', limit: 100, period_ms: DAY_MS, burst: 0 },
	]) }, { processes: PROCESSES });

	test('hold to the last unit, for each key by itself', async () => {
		const { client, token } = at;
		const draft = { scopes: ['content:read', 'profile'] };
		const [one, two] = [await makeKey(client, token, draft), await makeKey(client, token, draft)];
		const replies = await inParallel(300, CLIENTS, (i) => client.get(i % 2 ? '/v1/blog' : ME, withKey(one.key)));
		const admitted = replies.filter(({ status }) => status === 200);
		assert.equal(admitted.length, 100);
		assert.ok(replies.every(({ status }) => status === 200 || status === 429));
		assert.deepEqual(admitted.map(({ headers }) => Number(headers['x-ratelimit-remaining'])).sort((a, b) => a - b),
			Array.from({ length: 100 }, (_, i) => i));
		assert.equal(admitted[0].headers['ratelimit-policy'], '"enterprise";q=100;w=86400');
		const refused = replies.find(({ status }) => status === 429);
		assert.ok(Number(refused.headers['retry-after']) > 0);
		assert.equal((await client.get(ME, withKey(two.key))).headers['x-ratelimit-remaining'], '99');
		// The owner's own budget is another.
		assert.match((await client.get(ME, { token })).headers['ratelimit-policy'], /^"owner"/);
	});
});

describe('a report of leaked keys', { skip: elsewhere }, () => {
	const signer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
	const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
	const file = path.join(temporaryFolder(), 'keys.json');
	fs.writeFileSync(file, JSON.stringify({ public_keys: [{ key_identifier: 'f9525bf0',
		key: signer.publicKey.export({ type: 'spki', format: 'pem' }), is_current: true }] }));
	const at = open({ LEAK_REPORT_KEYS: file });

	const sign = (body, { privateKey } = signer) => createSign('SHA256').update(body).sign(privateKey, 'base64');
	function send(body, { identifier = 'f9525bf0', signature = sign(body) } = {}) {
		return at.client.request('POST', LEAKS, { body, type: 'application/json', headers: {
			...identifier && { 'github-public-key-identifier': identifier },
			...signature && { 'github-public-key-signature': signature } } });
	}
	const report = (...tokens) => JSON.stringify(tokens.map((token) =>
		({ token, type: 'quiver_api_key', url: 'https://example.com/a/b', source: 'content' })));

	test('revokes what is a key, and says what is none', async () => {
		const { client, token, stack } = at;
		const leaked = await makeKey(client, token), other = await makeKey(client, token);
		const made_up = `${leaked.key.slice(0, 79)}${leaked.key.endsWith('0') ? '1' : '0'}`;
		assert.equal((await client.get(ME, withKey(leaked.key))).status, 200);
		const reply = await send(report(leaked.key, made_up, 'something else'));
		assert.equal(reply.status, 200, reply.text);
		assert.deepEqual(reply.json, [
			{ token_raw: leaked.key, token_type: 'quiver_api_key', label: 'true_positive' },
			{ token_raw: made_up, token_type: 'quiver_api_key', label: 'false_positive' },
			{ token_raw: 'something else', token_type: 'quiver_api_key', label: 'false_positive' },
		]);
		assert.equal((await client.get(ME, withKey(leaked.key))).status, 401);
		assert.equal((await client.get(ME, withKey(other.key))).status, 200);
		assert.equal((await client.get(`${KEYS}/${leaked.id}`, { token })).status, 404);
		const line = stack.logLines().find(({ event }) => event === 'developer.key_leaked');
		assert.equal(line.api_key_id, leaked.id);
		assert.ok(!stack.logText().includes(leaked.key.slice(31, 71)));
		const mails = path.join(stack.state, 'mail');
		const written = await until('the owner is told', () => {
			const [file] = fs.readdirSync(mails).filter((name) => !name.startsWith('.'));
			return file && fs.readFileSync(path.join(mails, file), 'utf8');
		});
		assert.ok(written.includes(leaked.prefix) && !written.includes(leaked.key.slice(31, 71)));
		// The same report again: it still was one.
		assert.equal((await send(report(leaked.key))).json[0].label, 'true_positive');
	});

	test('of a secret that was rotated away ends that secret alone', async () => {
		const { client, token } = at;
		const old = await makeKey(client, token);
		const fresh = (await client.post(`${KEYS}/${old.id}/rotate`, { grace_s: 3600 }, { token })).json;
		assert.equal((await client.get(ME, withKey(old.key))).status, 200);
		assert.equal((await send(report(old.key))).json[0].label, 'true_positive');
		assert.equal((await client.get(ME, withKey(old.key))).status, 401);
		assert.equal((await client.get(ME, withKey(fresh.key))).status, 200);
	});

	test('is believed from who signed it, and only as it was signed', async () => {
		const { client, token } = at;
		const { key } = await makeKey(client, token);
		const body = report(key);
		const rows = [
			[body, { signature: '' }], [body, { identifier: '' }], [body, { identifier: 'f9525bf1' }],
			[body, { signature: sign(body, stranger) }], [`${body} `, { signature: sign(body) }],
			[body, { signature: 'AAAA' }], [body, { signature: 'x'.repeat(4000) }], ['{no JSON', { signature: sign(body) }],
			['', { signature: sign(body) }],
		];
		for (const [text, options] of rows)
			assert.equal((await send(text, options)).status, 401, JSON.stringify(options));
		assert.equal((await client.get(ME, withKey(key))).status, 200);
	});

	test('that is signed and malformed is refused', async () => {
		const rows = [['{no JSON', 400], ['{}', 422], ['[1]', 422], ['[{"token":1}]', 422], ['[{"type":"x"}]', 422],
			[JSON.stringify(Array(501).fill({ token: 'x' })), 413], ['[]', 200], ['[{"token":"x"}]', 200]];
		for (const [body, status] of rows)
			assert.equal((await send(body)).status, status, body.slice(0, 40));
	});
});
