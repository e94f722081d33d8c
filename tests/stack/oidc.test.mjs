// Security: tokens of other issuers, at real providers: a JWKS server whose keys jose signs with, and oidc-provider.
// What this file holds off:
//   forged tokens               another issuer, audience, key, algorithm; id tokens; expired ones
//   a provider that is gone     known tokens go on, new keys are a 503 that says when to come again
//   a provider that hangs       one worker waits for its deadline, the others answer
//   a flood of unknown keys     at most one fetch a minute
//   a provider that lies        discovery of another issuer, redirects elsewhere, sets without end
//   tokens after a log-out      revoked in every handler at once
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import * as jose from 'jose';
import { Provider } from 'oidc-provider';
import { Client, inParallel } from './client.mjs';
import { freePort, startStack } from './harness.mjs';

const ME = '/v1/auth/me';
const DRAFTS = '/v1/blog?status=all';      // content's answer to whoever may edit
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const KINDS = {
	ES256: ['ec', { namedCurve: 'P-256' }], ES384: ['ec', { namedCurve: 'P-384' }], EdDSA: ['ed25519'],
};

// A provider that has nothing but keys: publish(kid) lists one, token(…) signs with it.
class Issuer {
	constructor(name = '') {
		this.path = name;
		this.keys = new Map();
		this.published = [];
		this.requests = [];
		this.mode = 'healthy';
		this.server = http.createServer((request, response) => this.answer(request, response));
	}

	async start(port = 0) {
		await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
		this.base = `http://127.0.0.1:${this.server.address().port}`;
		this.issuer = this.base + this.path;
		return this;
	}

	answer(request, response) {
		this.requests.push(request.url);
		const json = (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
		if (this.mode === 'hanging') return;
		if (this.mode === 'down') { response.writeHead(500).end(); return; }
		if (request.url === `${this.path}/.well-known/openid-configuration`) {
			json({ issuer: this.says ?? this.issuer, jwks_uri: `${this.base}/keys` });
		} else if (this.mode === 'elsewhere') {
			response.writeHead(302, { location: `${this.base.replace('127.0.0.1', 'localhost')}/keys` }).end();
		} else if (this.mode === 'endless') {
			response.writeHead(200).end(JSON.stringify({ keys: this.published, pad: 'x'.repeat(300_000) }));
		} else {
			json({ keys: this.published });
		}
	}

	fetches() {
		return this.requests.filter((url) => url === '/keys').length;
	}

	publish(kid, alg = 'ES256') {
		const pair = crypto.generateKeyPairSync(...(KINDS[alg] ?? ['rsa', { modulusLength: 2048 }]));
		this.keys.set(kid, { alg, key: pair.privateKey });
		this.published.push({ ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });
		return this;
	}

	token(kid, claims = {}, header = {}) {
		const { alg, key } = this.keys.get(kid);
		const now = Math.floor(Date.now() / 1000);
		return new jose.SignJWT({ iss: this.issuer, aud: 'api', sub: 'alice', iat: now, exp: now + 600, jti: crypto.randomUUID(), ...claims })
			.setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(key);
	}

	stop() {
		this.server.closeAllConnections();
		return new Promise((resolve) => this.server.close(resolve));
	}
}

const trusted = (...list) => ({ OIDC_ISSUERS: JSON.stringify(list) });

describe('another issuer', () => {
	let stack, client, one, two;
	before(async () => {
		one = await new Issuer('/realm').start();
		two = await new Issuer().start();
		for (const alg of ALGORITHMS) one.publish(alg, alg);
		two.publish('k');
		stack = await startStack('lighttpd', { env: trusted(
			{ issuer: one.issuer, audience: ['api', 'other'], roles_claim: 'https://example.com/roles', tenant_claim: 'app.org' },
			{ issuer: two.issuer, audience: 'client', jwks_uri: `${two.base}/keys`, algorithms: ['ES256'], token: 'id' }) });
		client = new Client(stack.url);
	});
	after(async () => {
		client?.close();
		await stack?.stop();
		await one?.stop();
		await two?.stop();
	});

	const status = async (token, path = ME) => (await client.get(path, { token })).status;

	for (const alg of ALGORITHMS)
		test(`signs with ${alg}`, async () => assert.equal(await status(await one.token(alg)), 200));

	test('types its access tokens as RFC 9068 does, with the prefix or without, or not at all', async () => {
		for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT', undefined])
			assert.equal(await status(await one.token('ES256', {}, { typ })), 200, typ);
		for (const typ of ['id+jwt', 'application/logout+jwt', 'application/application/at+jwt', 'at+jwt ', '', 'dpop+jwt'])
			assert.equal(await status(await one.token('ES256', {}, { typ })), 401, typ);
	});

	test('names an account that is the same in every token and in every handler', async () => {
		const admin = { 'https://example.com/roles': ['admins'], app: { org: 'acme' }, name: 'Alice', email: 'a@example.com', email_verified: true };
		const reply = await client.get(ME, { token: await one.token('RS256', admin) });
		const { id, scopes, ...rest } = reply.json;
		assert.deepEqual(rest, { email: 'a@example.com', name: 'Alice', roles: ['user', 'admin'], plan: null, tenant: 'acme' });
		assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8/);
		assert.ok(scopes.includes('content:write'));
		assert.equal((await client.get(ME, { token: await one.token('ES256') })).json.id, id);
		assert.notEqual((await client.get(ME, { token: await one.token('ES256', { sub: 'bob' }) })).json.id, id);
		assert.equal(await status(await one.token('ES256', admin), DRAFTS), 200);
		assert.equal(await status(await one.token('ES256'), DRAFTS), 403);
		assert.equal(await status(await one.token('ES256', { ...admin, scope: 'openid content:read' }), DRAFTS), 403);
		const unverified = await client.get(ME, { token: await one.token('RS256', { ...admin, email_verified: false }) });
		assert.equal(unverified.json.email, null);
	});

	test('does not sign for another, nor with what is not its own', async () => {
		const stranger = new Issuer().publish('RS256', 'RS256');
		stranger.issuer = one.issuer;
		const now = Math.floor(Date.now() / 1000);
		const bad = {
			'another key of that name': await stranger.token('RS256'), 'another issuer': await one.token('RS256', { iss: `${one.issuer}/` }),
			'nobody’s issuer': await one.token('RS256', { iss: 'https://evil.example' }), 'another audience': await one.token('RS256', { aud: 'client' }),
			'no audience': await one.token('RS256', { aud: undefined }), expired: await one.token('RS256', { exp: now - 100 }),
			'not yet valid': await one.token('RS256', { nbf: now + 100 }), 'an id token by its use': await one.token('RS256', { token_use: 'id' }),
			'an id token by its nonce': await one.token('RS256', { nonce: 'n' }), 'an id token by at_hash': await one.token('RS256', { at_hash: 'h' }),
			'a logout token': await one.token('RS256', {}, { typ: 'logout+jwt' }), 'nobody’s': await one.token('RS256', { sub: undefined }),
			'our own issuer': await one.token('RS256', { iss: 'http://localhost', aud: 'quiver', token_use: 'access' }),
			'the other one’s key': await one.token('ES256', { iss: two.issuer, aud: 'client' }, { kid: 'ES256' }),
		};
		for (const [what, token] of Object.entries(bad)) {
			const reply = await client.get(ME, { token });
			assert.equal(reply.status, 401, what);
			assert.match(reply.headers['www-authenticate'], /error="invalid_token"/, what);
		}
	});

	test('has its id tokens taken where that was asked for, and no access tokens', async () => {
		const id = { aud: 'client', nonce: 'n', at_hash: 'h' };
		assert.equal(await status(await two.token('k', id, { typ: 'JWT' })), 200);
		assert.equal(await status(await two.token('k', { ...id, token_use: 'access' })), 401);
		assert.equal(await status(await two.token('k', { ...id, aud: 'api' })), 401);
	});

	test('does not touch sign-in of our own', async () => {
		const token = await stack.signIn();
		assert.equal(await status(token), 200);
		assert.equal(await status(token, DRAFTS), 200);
	});

	test('is logged out here, in every handler at once, with all of that session', async () => {
		const claims = { sid: crypto.randomUUID(), 'https://example.com/roles': 'admin' };
		const [token, sibling] = [await one.token('ES256', claims), await one.token('RS256', claims)];
		const other = await one.token('ES256', { ...claims, sid: 'another' });
		for (const t of [token, sibling, other]) assert.equal(await status(t, DRAFTS), 200);
		assert.equal((await client.post('/v1/auth/logout', { everywhere: true }, { token })).status, 501);
		assert.equal((await client.post('/v1/auth/logout', {}, { token })).status, 204);
		for (const path of [ME, DRAFTS]) {
			assert.equal(await status(token, path), 401);
			assert.equal(await status(sibling, path), 401);
			assert.equal(await status(other, path), 200);
		}
	});

	test('keeps what only it can change', async () => {
		const token = await one.token('ES256');
		assert.equal((await client.patch(ME, { name: 'Mallory' }, { token })).status, 501);
		assert.equal((await client.post('/v1/auth/password/change',
			{ old_password: 'x', new_password: 'a new long password' }, { token })).status, 501);
	});

	test('rotates its keys, and a flood of unknown ones makes one fetch', async () => {
		const before = two.fetches();
		two.publish('new');
		const id = { aud: 'client' };
		assert.equal(await status(await two.token('new', id)), 200);
		assert.equal(two.fetches(), before + 1);
		const forged = await two.token('k', id);
		await inParallel(200, 16, async (i) => {
			const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `x${i}` })).toString('base64url');
			assert.equal(await status([header, ...forged.split('.').slice(1)].join('.')), 401);
		});
		assert.equal(two.fetches(), before + 1);
	});

	test('is missed by nobody who is known when it is down', async () => {
		const known = await one.token('ES256', { sub: 'known' });
		assert.equal(await status(known), 200);
		one.mode = 'down';
		assert.equal(await status(known), 200);
		assert.equal(await status(await one.token('ES256', { sub: 'of a known key' })), 200);
		one.publish('after', 'ES256');
		const reply = await client.get(ME, { token: await one.token('after') });
		assert.equal(reply.status, 503);
		assert.ok(Number(reply.headers['retry-after']) >= 1);
		assert.equal(reply.headers['content-type'], 'application/problem+json');
		one.mode = 'healthy';
	});
});

describe('a provider that is not as it should be', () => {
	async function answerOf(change) {
		const issuer = await new Issuer().start();
		issuer.publish('k');
		change(issuer);
		const stack = await startStack('lighttpd', { env: trusted({ issuer: issuer.issuer, audience: 'api' }), handlers: ['auth', 'health'] });
		const client = new Client(stack.url);
		try {
			return { reply: await client.get(ME, { token: await issuer.token('k') }), issuer, log: stack.logText() };
		} finally {
			client.close();
			await stack.stop();
			await issuer.stop();
		}
	}

	for (const [what, change, why] of [
		['whose discovery is another’s', (i) => { i.says = 'https://evil.example'; }, /another issuer/],
		['that redirects elsewhere', (i) => { i.mode = 'elsewhere'; }, /status 302/],
		['whose set has no end', (i) => { i.mode = 'endless'; }, /bound|size/],
	]) {
		test(`${what} has no keys`, async () => {
			const { reply, log } = await answerOf(change);
			assert.equal(reply.status, 503);
			assert.doesNotMatch(reply.text, /evil|jwks|127\.0\.0\.1/);
			assert.match(log, /"event":"jwks.failed"/);
			assert.match(log, why);
		});
	}

	test('that hangs holds up one request for its deadline and no other', async () => {
		const issuer = await new Issuer().start();
		issuer.publish('k').mode = 'hanging';
		const stack = await startStack('lighttpd', { env: { ...trusted({ issuer: issuer.issuer, audience: 'api' }), THREADS: '2' }, handlers: ['auth', 'health'] });
		const client = new Client(stack.url);
		try {
			const own = await stack.signIn();
			const token = await issuer.token('k');
			const began = Date.now();
			const timed = async () => {
				const { status } = await client.get(ME, { token });
				return { status, ms: Date.now() - began };
			};
			const stuck = Promise.all(Array.from({ length: 8 }, timed));
			let answered = 0;
			while (Date.now() - began < 4000) {
				const asked = Date.now();
				assert.equal((await client.get(ME, { token: own })).status, 200);
				assert.ok(Date.now() - asked < 2000);
				answered++;
			}
			assert.ok(answered > 20, `${answered} answers`);
			const replies = await stuck;
			assert.ok(replies.every((r) => r.status === 503));
			assert.ok(replies.filter((r) => r.ms > 3000).length === 1, JSON.stringify(replies));
			assert.ok(replies.every((r) => r.ms < 7000), JSON.stringify(replies));
			assert.equal(issuer.requests.length, 1);
		} finally {
			client.close();
			await stack.stop();
			await issuer.stop();
		}
	});
});

describe('IDENTITY=oidc with oidc-provider', () => {
	let stack, client, server, base;

	// One key of each algorithm; the client's id says which one signs its access tokens.
	before(async () => {
		base = `http://127.0.0.1:${await freePort()}`;
		const jwk = (alg) => ({
			...crypto.generateKeyPairSync(...(KINDS[alg] ?? ['rsa', { modulusLength: 2048 }])).privateKey.export({ format: 'jwk' }),
			alg, kid: alg, use: 'sig',
		});
		const provider = new Provider(base, {
			clients: ALGORITHMS.map((alg) => ({
				client_id: alg, client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
			})),
			jwks: { keys: ALGORITHMS.map(jwk) },
			features: {
				clientCredentials: { enabled: true },
				resourceIndicators: {
					enabled: true, defaultResource: () => 'urn:api',
					getResourceServerInfo: (_, __, c) => ({ scope: 'read', audience: 'urn:api', accessTokenFormat: 'jwt', jwt: { sign: { alg: c.clientId } } }),
				},
			},
			extraTokenClaims: () => ({ realm_access: { roles: ['analysts'] } }),
		});
		server = http.createServer(provider.callback());
		await new Promise((resolve) => server.listen(Number(new URL(base).port), '127.0.0.1', resolve));
		stack = await startStack('lighttpd', { env: {
			IDENTITY: 'oidc', ...trusted({ issuer: base, audience: 'urn:api', roles_claim: 'realm_access.roles' }) } });
		client = new Client(stack.url);
	});
	after(async () => {
		client?.close();
		await stack?.stop();
		server?.closeAllConnections();
		server?.close();
	});

	async function tokenOf(alg) {
		const reply = await fetch(`${base}/token`, {
			method: 'POST', headers: { authorization: `Basic ${Buffer.from(`${alg}:secret`).toString('base64')}` },
			body: new URLSearchParams({ grant_type: 'client_credentials' }),
		});
		assert.equal(reply.status, 200);
		return (await reply.json()).access_token;
	}

	test('takes the provider’s tokens of every algorithm, on every handler', async () => {
		for (const alg of ALGORITHMS) {
			const token = await tokenOf(alg);
			const me = await client.get(ME, { token });
			assert.equal(me.status, 200, `${alg}: ${me.text}`);
			assert.deepEqual(me.json.roles, ['user', 'analyst']);
			assert.equal(me.json.email, null);
			assert.equal((await client.get('/health/detailed', { token })).status, 200);
			assert.equal((await client.get(DRAFTS, { token })).status, 403);
		}
	});

	test('sends people who would sign in to the provider', async () => {
		for (const [path, body] of [['login', { email: 'a@example.com', password: 'p' }], ['refresh', { refresh_token: 'r' }]]) {
			const reply = await client.post(`/v1/auth/${path}`, body);
			assert.equal(reply.status, 501);
			assert.match(reply.json.detail, /sign in there/);
		}
	});

	test('logs out here', async () => {
		const token = await tokenOf('ES256');
		assert.equal((await client.post('/v1/auth/logout', {}, { token })).status, 204);
		assert.equal((await client.get(ME, { token })).status, 401);
		assert.equal((await client.get(ME, { token: await tokenOf('ES256') })).status, 200);
	});
});
