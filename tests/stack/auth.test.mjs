// Security: sign-in and tokens.  What this file holds off:
//   guessing passwords          one answer and one duration, whatever is wrong; limits
//   a stolen refresh token      its second use ends the session, in every handler
//   a stolen access token       ends with its session, in every handler at once
//   forged tokens               alg none, HMAC with the public key, foreign keys, edits
//   old tokens                  expiry, also of those already seen and remembered
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import * as jose from 'jose';
import { Client, inParallel, median, signIn } from './client.mjs';
import { OWNER, startStack, until } from './harness.mjs';

const DRAFTS = '/v1/blog?status=all';      // content's answer to whoever may edit
const ME = '/v1/auth/me';

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const base64url = (value) =>
	Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('sign-in', () => {
	let stack, client, owner = OWNER;
	before(async () => {
		stack = await startStack('lighttpd', { env: { REFRESH_GRACE_S: '1' } });
		client = new Client(stack.url);
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});

	const refresh = (token) => client.post('/v1/auth/refresh', { refresh_token: token });

	async function assertOver(tokens) {
		for (const path of [ME, DRAFTS]) {
			const reply = await client.get(path, { token: tokens.access_token });
			assert.equal(reply.status, 401, path);
		}
		assert.equal((await refresh(tokens.refresh_token)).status, 401, 'refresh');
	}

	async function assertAlive(tokens) {
		for (const path of [ME, DRAFTS]) {
			const reply = await client.get(path, { token: tokens.access_token });
			assert.equal(reply.status, 200, `${path}: ${reply.text}`);
		}
	}

	test('gives the owner tokens that no cache keeps', async () => {
		const reply = await client.post('/v1/auth/login', owner);
		assert.equal(reply.status, 200);
		assert.equal(reply.headers['cache-control'], 'no-store');
		const tokens = reply.json;
		assert.deepEqual(Object.keys(tokens).sort(),
			['access_token', 'expires_in', 'id_token', 'refresh_token', 'token_type']);
		assert.equal(tokens.token_type, 'Bearer');
		assert.equal(tokens.expires_in, 3600);
		await assertAlive(tokens);
	});

	test('takes the address in any case', async () => {
		const email = owner.email.toUpperCase();
		await assertAlive(await signIn(client, { ...owner, email }));
	});

	test('says who the caller is', async () => {
		const { access_token: token } = await signIn(client);
		const reply = await client.get(ME, { token });
		assert.equal(reply.status, 200);
		assert.equal(reply.headers['cache-control'], 'no-store');
		const me = reply.json;
		assert.equal(me.email, owner.email);
		assert.deepEqual(me.roles, ['owner']);
		assert.ok(me.scopes.includes('content:write'));
		assert.equal(me.id, claimsOf(token).sub);
	});

	test('changes the name under If-Match and refuses a stale one', async () => {
		const { access_token: token } = await signIn(client);
		const first = (await client.get(ME, { token })).headers.etag;
		assert.match(first, /^"[^"]+"$/);
		const unchanged = await client.get(ME, { token, headers: { 'if-none-match': first } });
		assert.equal(unchanged.status, 304);
		assert.equal(unchanged.bytes.length, 0);

		const name = 'Ada Lovelace 🜨';
		const changed = await client.patch(ME, { name }, { token, headers: { 'if-match': first } });
		assert.equal(changed.status, 200, changed.text);
		assert.equal(changed.json.name, name);
		assert.notEqual(changed.headers.etag, first);

		const stale = await client.patch(ME, { name: 'Nobody' },
			{ token, headers: { 'if-match': first } });
		assert.equal(stale.status, 412);
		assert.equal((await client.get(ME, { token })).json.name, name);

		const blind = await client.patch(ME, { name: null }, { token });
		assert.equal(blind.status, 200);
		assert.equal(blind.json.name, null);
	});

	test('refuses to change what is not the caller’s to change', async () => {
		const { access_token: token } = await signIn(client);
		const reply = await client.patch(ME,
			{ roles: ['owner'], scopes: [], name: 5, wings: 2 }, { token });
		assert.equal(reply.status, 422);
		assert.deepEqual(reply.json.errors.map((e) => e.pointer).sort(),
			['/name', '/roles', '/scopes', '/wings']);
	});

	test('answers a wrong password and an unknown account alike, after the same time', async () => {
		const attempts = {
			wrong: { email: owner.email, password: 'not the right one' },
			unknown: { email: 'nobody@localhost', password: 'not the right one' },
		};
		const times = { wrong: [], unknown: [] }, bodies = {};
		for (let round = 0; round < 7; round++) {
			for (const [which, credentials] of Object.entries(attempts)) {
				const began = performance.now();
				const reply = await client.post('/v1/auth/login', credentials);
				times[which].push(performance.now() - began);
				assert.equal(reply.status, 401);
				const { instance, ...body } = reply.json;
				bodies[which] = { body, challenge: reply.headers['www-authenticate'] };
			}
		}
		assert.deepEqual(bodies.wrong, bodies.unknown);
		const [wrong, unknown] = [median(times.wrong), median(times.unknown)];
		assert.ok(unknown > wrong / 2 && wrong > unknown / 2,
			`${wrong.toFixed(1)} ms and ${unknown.toFixed(1)} ms`);
	});

	test('rotates the refresh token', async () => {
		const first = await signIn(client);
		const reply = await refresh(first.refresh_token);
		assert.equal(reply.status, 200);
		const second = reply.json;
		assert.notEqual(second.refresh_token, first.refresh_token);
		assert.equal(claimsOf(second.access_token).sid, claimsOf(first.access_token).sid);
		await assertAlive(second);
		assert.equal((await refresh(second.refresh_token)).status, 200);
	});

	test('ends the session in every handler when a spent refresh token comes again', async () => {
		const first = await signIn(client);
		const second = (await refresh(first.refresh_token)).json;
		await assertAlive(second);      // each handler has verified and remembers it
		let latest = second;
		await until('the spent token to be refused', async () => {
			const reply = await refresh(first.refresh_token);
			if (reply.status === 200)
				latest = reply.json;
			return reply.status === 401;
		});
		await assertOver(second);
		await assertOver(latest);
		await assertOver(first);
	});

	test('lets two tabs that refresh at once both go on', async () => {
		const { refresh_token: token } = await signIn(client);
		const replies = await Promise.all(Array.from({ length: 8 }, () => refresh(token)));
		assert.deepEqual(replies.map((r) => r.status), replies.map(() => 200));
		const sessions = new Set(replies.map((r) => claimsOf(r.json.access_token).sid));
		assert.equal(sessions.size, 1);
		assert.equal(new Set(replies.map((r) => r.json.refresh_token)).size, replies.length);
		for (const reply of replies)
			await assertAlive(reply.json);
		assert.equal((await refresh(replies[0].json.refresh_token)).status, 200);
	});

	test('refuses refresh tokens that are none', async () => {
		const tokens = await signIn(client);
		const forged = [
			tokens.access_token.slice(0, 200), 'qv_refresh_', `qv_refresh_${'A'.repeat(43)}`,
			tokens.refresh_token.slice(0, -1), `${tokens.refresh_token}A`, "' OR 1=1 --",
		];
		for (const token of forged)
			assert.equal((await refresh(token)).status, 401, token);
		await assertAlive(tokens);
	});

	test('ends one session on logout', async () => {
		const [one, other] = [await signIn(client), await signIn(client)];
		await assertAlive(one);
		const reply = await client.post('/v1/auth/logout', {}, { token: one.access_token });
		assert.equal(reply.status, 204);
		await assertOver(one);
		await assertAlive(other);
	});

	test('ends every session on logout everywhere', async () => {
		const all = [];
		for (let i = 0; i < 3; i++)
			all.push(await signIn(client));
		for (const tokens of all)
			await assertAlive(tokens);
		const reply = await client.post('/v1/auth/logout', { everywhere: true },
			{ token: all[1].access_token });
		assert.equal(reply.status, 204);
		for (const tokens of all)
			await assertOver(tokens);
		await assertAlive(await signIn(client));
	});

	test('lets jose verify our tokens with the keys that discovery names', async () => {
		const { access_token: access, id_token: id } = await signIn(client);
		const discovery = (await client.get('/.well-known/openid-configuration')).json;
		assert.equal(new URL(discovery.jwks_uri).origin, new URL(stack.url).origin);
		const keys = jose.createRemoteJWKSet(new URL(discovery.jwks_uri));
		for (const [token, use] of [[access, 'access'], [id, 'id']]) {
			const { payload, protectedHeader } = await jose.jwtVerify(token, keys, {
				issuer: discovery.issuer, audience: 'quiver', algorithms: ['RS256'] });
			assert.equal(payload.token_use, use);
			assert.equal(protectedHeader.typ, 'JWT');
		}
		const published = (await client.get('/.well-known/jwks.json')).json.keys;
		for (const key of published) {
			assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
			assert.equal(await jose.calculateJwkThumbprint(key), key.kid);
		}
	});

	test('ends the other sessions when the password changes', async () => {
		const [own, other] = [await signIn(client), await signIn(client)];
		await assertAlive(other);
		const change = (old_password, new_password) => client.post('/v1/auth/password/change',
			{ old_password, new_password }, { token: own.access_token });

		const wrong = await change('not the old one', 'a new and long one');
		assert.equal(wrong.status, 422);
		assert.equal(wrong.json.errors[0].pointer, '/old_password');
		const short = await change(owner.password, 'short');
		assert.equal(short.status, 422);
		assert.equal(short.json.errors[0].pointer, '/new_password');
		await assertAlive(other);

		const password = 'tricolour umbrella stand 41';
		assert.equal((await change(owner.password, password)).status, 204);
		await assertOver(other);
		await assertAlive(own);
		assert.equal((await refresh(own.refresh_token)).status, 200);
		assert.equal((await client.post('/v1/auth/login', owner)).status, 401);
		owner = { ...owner, password };
		await assertAlive(await signIn(client, owner));
	});
});

describe('tokens that are not ours', () => {
	let stack, client, tokens, header, payload, publicKey;
	before(async () => {
		stack = await startStack('lighttpd');
		client = new Client(stack.url);
		tokens = await signIn(client);
		[header, payload] = tokens.access_token.split('.').slice(0, 2)
			.map((part) => JSON.parse(Buffer.from(part, 'base64url')));
		const [key] = (await client.get('/.well-known/jwks.json')).json.keys;
		publicKey = crypto.createPublicKey({ key, format: 'jwk' });
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});

	const foreign = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
	const assemble = (head, body, sign) => {
		const input = `${base64url(head)}.${base64url(body)}`;
		return `${input}.${sign ? sign(input).toString('base64url') : ''}`;
	};
	const byForeigner = (input) => crypto.sign('sha256', Buffer.from(input), foreign.privateKey);
	const hmac = (secret) => (input) => crypto.createHmac('sha256', secret).update(input).digest();
	const bearer = (token) => `Bearer ${token}`;

	const forgeries = {
		'alg none': () => bearer(assemble({ ...header, alg: 'none' }, payload)),
		'alg NoNe': () => bearer(assemble({ ...header, alg: 'NoNe' }, payload)),
		'no alg': () => bearer(assemble({ kid: header.kid, typ: 'JWT' }, payload)),
		'HS256 with the public PEM': () => bearer(assemble({ ...header, alg: 'HS256' }, payload,
			hmac(publicKey.export({ type: 'spki', format: 'pem' })))),
		'HS256 with the public DER': () => bearer(assemble({ ...header, alg: 'HS256' }, payload,
			hmac(publicKey.export({ type: 'spki', format: 'der' })))),
		'HS256 with an empty key': () => bearer(assemble({ ...header, alg: 'HS256' }, payload,
			hmac(''))),
		'PS256 of another key': () => bearer(assemble({ ...header, alg: 'PS256' }, payload,
			(input) => crypto.sign('sha256', Buffer.from(input),
				{ key: foreign.privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING }))),
		'another key under our kid': () => bearer(assemble(header, payload, byForeigner)),
		'another key under its own kid': () =>
			bearer(assemble({ ...header, kid: 'mine' }, payload, byForeigner)),
		'another key in the header': () => bearer(assemble(
			{ ...header, jwk: foreign.publicKey.export({ format: 'jwk' }) }, payload, byForeigner)),
		'another key by address': () => bearer(assemble(
			{ ...header, jku: `${stack.url}/.well-known/jwks.json`, kid: 'x' }, payload,
			byForeigner)),
		'a kid that is a path': () => bearer(assemble(
			{ ...header, kid: '../../../../dev/null' }, payload, hmac(''))),
		'a kid that is no string': () => bearer(assemble({ ...header, kid: [1] }, payload,
			byForeigner)),
		'a critical extension': () => bearer(assemble(
			{ ...header, crit: ['exp'] }, payload, byForeigner)),
		'no kid': () => bearer(assemble({ alg: 'RS256', typ: 'JWT' }, payload, byForeigner)),
		'a longer life': () => withPayload({ exp: payload.exp + 86400 }),
		'another subject': () => withPayload({ sub: '01890a5d-ac96-774b-bcce-b302099a8057' }),
		'expired': () => withPayload({ exp: payload.iat - 86400 }),
		'from the future': () => withPayload({ nbf: payload.exp, iat: payload.exp }),
		'another issuer': () => withPayload({ iss: 'https://example.org' }),
		'another audience': () => withPayload({ aud: 'someone' }),
		'a claim twice': () => {
			const [head, , signature] = tokens.access_token.split('.');
			const twice = JSON.stringify(payload).replace('{', '{"exp":1,');
			return bearer(`${head}.${base64url(twice)}.${signature}`);
		},
		'no signature': () => bearer(tokens.access_token.replace(/[^.]+$/, '')),
		'two parts': () => bearer(tokens.access_token.split('.').slice(0, 2).join('.')),
		'four parts': () => bearer(`${tokens.access_token}.e30`),
		'five parts, encrypted': () => bearer(`${base64url({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`),
		'a shorter signature': () => bearer(tokens.access_token.slice(0, -4)),
		'a changed signature': () => bearer(tokens.access_token.replace(/.{8}$/, 'AAAAAAAA')),
		'padding': () => bearer(`${tokens.access_token}=`),
		'the id token': () => bearer(tokens.id_token),
		'the refresh token': () => bearer(tokens.refresh_token),
		'nothing': () => 'Bearer',
		'blanks': () => 'Bearer    ',
		'dots': () => bearer('..'),
		'junk': () => bearer('eyJhbGciOiJSUzI1NiJ9'),
		'deep': () => bearer(`${base64url('{"a":'.repeat(200) + '1' + '}'.repeat(200))}.e30.AA`),
		'long': () => bearer(`eyJ${'A'.repeat(6000)}`),
		'another scheme': () => `Basic ${Buffer.from('owner@localhost:x').toString('base64')}`,
		'the token without its scheme': () => tokens.access_token,
		'two of them': () => `${bearer(tokens.access_token)}, ${bearer(tokens.access_token)}`,
	};

	function withPayload(changes) {
		const [head, , signature] = tokens.access_token.split('.');
		return bearer(`${head}.${base64url({ ...payload, ...changes })}.${signature}`);
	}

	test('are refused with a challenge that does not say why', async () => {
		const bodies = new Map();
		for (const [name, forge] of Object.entries(forgeries)) {
			for (const path of [ME, DRAFTS]) {
				const reply = await client.get(path, { headers: { authorization: forge() } });
				assert.equal(reply.status, 401, `${name}: ${path}: ${reply.text}`);
				assert.equal(reply.headers['www-authenticate'],
					'Bearer error="invalid_token"', name);
				const { instance, ...body } = reply.json;
				bodies.set(JSON.stringify(body), name);
			}
		}
		assert.equal(bodies.size, 1, [...bodies].join('\n'));
		assert.equal((await client.get(ME, { token: tokens.access_token })).status, 200);
	});

	test('open nothing that is open to everybody, and close nothing that is public', async () => {
		const headers = { authorization: forgeries['another key under our kid']() };
		assert.equal((await client.get('/v1/blog', { headers })).status, 401);
		assert.equal((await client.get('/health', { headers })).status, 200);
	});

	test('in a flood are told to wait, and a token that was known before is not', async () => {
		const known = { token: tokens.access_token };
		const flood = { authorization: forgeries['another key under our kid']() };
		assert.equal((await client.get(DRAFTS, known)).status, 200);
		const replies = [];
		await inParallel(200, 8, async () => replies.push(await client.get(DRAFTS, { headers: flood })));
		const waiting = replies.filter(reply => reply.status === 429);
		assert.ok(waiting.length > 0 && waiting.every(reply => reply.headers['retry-after'] === '1'), replies.map(r => r.status).join(' '));
		assert.ok(replies.every(reply => [401, 429].includes(reply.status)));
		assert.equal((await client.get(DRAFTS, known)).status, 200);
	});

	test('are none when there are none', async () => {
		const reply = await client.get(ME);
		assert.equal(reply.status, 401);
		assert.equal(reply.headers['www-authenticate'], 'Bearer');
	});
});

describe('access tokens', () => {
	test('end at their time, also where they are remembered', async () => {
		const stack = await startStack('lighttpd',
			{ env: { ACCESS_TOKEN_TTL_S: '2', CLOCK_SKEW_S: '0' } });
		const client = new Client(stack.url);
		try {
			const { access_token: token, expires_in } = await signIn(client);
			assert.equal(expires_in, 2);
			const end = claimsOf(token).exp * 1000;
			for (const path of [ME, DRAFTS]) {
				await until(`${path} to refuse the token`, async () => {
					const sent = Date.now();
					const { status } = await client.get(path, { token });
					assert.equal(status === 200 ? sent <= end : Date.now() >= end, true,
						`${status} ${Date.now() - end} ms after its end`);
					return status === 401;
				});
			}
		} finally {
			client.close();
			await stack.stop();
		}
	});
});

describe('guessing', () => {
	const builtIn = { LIMITS: '', TRUSTED_PROXIES: '127.0.0.1' };

	test('is limited by account and network, and locks nobody out elsewhere', async () => {
		const stack = await startStack('lighttpd', { env: builtIn });
		const client = new Client(stack.url);
		const login = (credentials, address) => client.post('/v1/auth/login', credentials,
			{ headers: { 'x-forwarded-for': address } });
		try {
			const { email } = OWNER;
			const statuses = [];
			for (let i = 0; i < 10; i++)
				statuses.push((await login({ email, password: `guess ${i}` },
					'192.0.2.1')).status);
			assert.deepEqual(statuses, statuses.map(() => 401));

			const refused = await login(OWNER, '192.0.2.1');
			assert.equal(refused.status, 429);
			assert.ok(Number(refused.headers['retry-after']) >= 1);
			assert.match(refused.headers['ratelimit-policy'], /^"sign-in-account";q=10;w=60$/);

			assert.equal((await login(OWNER, '192.0.2.2')).status, 200);
		} finally {
			client.close();
			await stack.stop();
		}
	});

	test('from a thousand addresses gets a hundred guesses an hour, and the owner gets in', async () => {
		const stack = await startStack('lighttpd', { env: builtIn });
		const client = new Client(stack.url, { sockets: 4 });
		const login = (credentials, address) => client.post('/v1/auth/login', credentials,
			{ headers: { 'x-forwarded-for': address } });
		try {
			assert.equal((await login(OWNER, '192.0.2.1')).status, 200);
			const email = OWNER.email.toUpperCase();
			const replies = await Promise.all(Array.from({ length: 1000 }, (_, i) =>
				login({ email, password: `guess ${i}` }, `198.51.${100 + (i >> 8)}.${i & 255}`)));
			const count = (status) => replies.filter((r) => r.status === status).length;
			// The owner's first sign-in was a stranger's, too.
			assert.deepEqual([count(401), count(429)], [99, 901]);
			const refused = await login(OWNER, '203.0.113.7');
			assert.equal(refused.status, 429, 'nor does the password count from elsewhere');
			assert.match(refused.headers['ratelimit-policy'], /^"sign-in-strangers";q=100;w=3600$/);
			assert.equal((await login(OWNER, '192.0.2.1')).status, 200);
			assert.equal((await login({ email: 'nobody@example.org', password: 'a guess' },
				'203.0.113.7')).status, 401, 'another account is another matter');
		} finally {
			client.close();
			await stack.stop();
		}
	});

	test('of many accounts is limited by address', async () => {
		const stack = await startStack('lighttpd', { env: builtIn });
		const client = new Client(stack.url);
		try {
			const statuses = [];
			for (let i = 0; i < 21; i++) {
				const reply = await client.post('/v1/auth/login',
					{ email: `user${i}@example.org`, password: 'whatever it is' },
					{ headers: { 'x-forwarded-for': '2001:db8::' + i } });
				statuses.push(reply.status);
			}
			assert.deepEqual(statuses, [...Array(20).fill(401), 429]);
		} finally {
			client.close();
			await stack.stop();
		}
	});
});
