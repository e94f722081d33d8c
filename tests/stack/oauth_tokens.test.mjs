// Security: tokens of the OAuth server: given, looked into, taken back; and its clients.
// What this file holds off:
//   duplicate parameters          in queries and forms
//   stolen codes                  another client's, without the verifier, a second time, too late
//   stolen refresh tokens         a second use ends the session; another client's, our own
//   a client that wants more      scopes over its own, over its account's, over its registrar's
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { before, describe, test } from 'node:test';
import { signIn } from './client.mjs';
import { OWNER, until } from './harness.mjs';
import { Browser } from './oauth_browser.mjs';
import {
	assertError, basic, claimsOf, client, codeFor, CONFIDENTIAL, introspect, issuer, pkce, post,
	PUBLIC, refresh, register, request, spend, stack, token, tokensFor,
} from './oauth_server.mjs';

describe('the token endpoint', () => {
	let registered, other;
	before(async () => {
		registered = await register(CONFIDENTIAL);
		other = await register(CONFIDENTIAL);
	});

	test('spends a code once and ends what it gave when it comes again', async () => {
		const code = await codeFor(registered);
		const first = await spend(registered, code);
		assert.equal(first.status, 200, first.text);
		assert.equal(first.headers.get('cache-control'), 'no-store');
		assert.equal((await introspect(registered, first.json.access_token)).active, true);
		assertError(await spend(registered, code), 400, 'invalid_grant');
		assert.equal((await introspect(registered, first.json.access_token)).active, false);
		assertError(await refresh(registered, first.json.refresh_token), 400, 'invalid_grant');
		assert.equal((await client.get('/v1/blog?status=all', { token: first.json.access_token })).status, 401);
	});

	test('of many at once with one code serves one at most', async () => {
		const code = await codeFor(registered);
		const replies = await Promise.all(Array.from({ length: 8 }, () => spend(registered, code)));
		assert.ok(replies.filter((r) => r.status === 200).length <= 1);
		for (const r of replies.filter((reply) => reply.status !== 200))
			assertError(r, 400, 'invalid_grant');
	});

	test('gives nothing for a code of another client, address or verifier', async () => {
		const code = await codeFor(registered);
		const tries = [
			() => spend(other, code),
			() => spend(registered, code, { redirect_uri: 'https://app.example/' }),
			() => spend(registered, code, { redirect_uri: '' }),
			() => spend(registered, code, { code_verifier: pkce().verifier }),
			() => spend(registered, code, { code_verifier: '' }),
			() => spend(registered, code, { code_verifier: code.verifier.slice(0, -1) }),
			() => spend(registered, code, { code: `${code.code}x` }),
			() => spend(registered, code, { code: '' }),
		];
		for (const send of tries)
			assertError(await send(), 400, 'invalid_grant');
		assert.equal((await spend(registered, code)).status, 200, 'and it is still good for its own');
	});

	test('refuses forms that are none, or have a name twice', async () => {
		const code = await codeFor(registered);
		assertError(await post('/oauth2/token', `grant_type=authorization_code&code=${code.code}&code=${code.code}`,
			basic(registered)), 400, 'invalid_request');
		assertError(await post('/oauth2/token', 'grant_type=%zz', basic(registered)), 400, 'invalid_request');
		assertError(await post('/oauth2/token', '', basic(registered)), 400, 'invalid_request');
		assertError(await post('/oauth2/token', { grant_type: 'password', username: 'a', password: 'b' },
			basic(registered)), 400, 'unsupported_grant_type');
		const json = await fetch(`${issuer}/oauth2/token`, { method: 'POST', body: '{}',
			headers: { ...basic(registered), 'content-type': 'application/json' } });
		assert.equal(json.status, 400);
		assert.equal((await json.json()).error, 'invalid_request');
	});

	test('answers a wrong secret, an unknown client and a wrong method alike', async () => {
		const form = { grant_type: 'client_credentials' };
		const replies = await Promise.all([
			post('/oauth2/token', form, basic({ ...registered, secret: other.secret })),
			post('/oauth2/token', form, basic({ id: crypto.randomUUID(), secret: registered.secret })),
			post('/oauth2/token', { ...form, client_id: registered.id, client_secret: registered.secret }),
			post('/oauth2/token', { ...form, client_id: registered.id }),
			post('/oauth2/token', form),
			post('/oauth2/token', form, { authorization: 'Basic !!!' }),
			post('/oauth2/token', form, { authorization: `Bearer ${token}` }),
			post('/oauth2/token', { ...form, client_id: other.id }, basic(registered)),
		]);
		for (const reply of replies) {
			assertError(reply, 401, 'invalid_client');
			assert.match(reply.headers.get('www-authenticate'), /^Basic realm=/);
			assert.equal(reply.text, replies[0].text);
		}
		assertError(await post('/oauth2/token', { ...form, client_secret: 'x' }, basic(registered)), 400,
			'invalid_request');
	});

	test('gives a refresh token once, and a second use ends the session', async () => {
		const tokens = await tokensFor(registered);
		const next = await refresh(registered, tokens.refresh_token);
		assert.equal(next.status, 200, next.text);
		assertError(await refresh(registered, tokens.refresh_token), 400, 'invalid_grant');
		assertError(await refresh(registered, next.json.refresh_token), 400, 'invalid_grant');
		assert.equal((await introspect(registered, next.json.access_token)).active, false);
	});

	test('keeps refresh tokens apart: of clients, and of our own sign-in', async () => {
		const tokens = await tokensFor(registered);
		const own = await signIn(client);
		assertError(await refresh(other, tokens.refresh_token), 400, 'invalid_grant');
		assertError(await refresh(registered, own.refresh_token), 400, 'invalid_grant');
		assert.equal((await client.post('/v1/auth/refresh', { refresh_token: tokens.refresh_token })).status, 401);
		assert.equal((await refresh(registered, tokens.refresh_token)).status, 200);
		assert.equal((await client.post('/v1/auth/refresh', { refresh_token: own.refresh_token })).status, 200);
	});

	test('narrows scopes on the way, and never widens them', async () => {
		const tokens = await tokensFor(registered, { scope: 'openid content:write' });
		assert.equal(tokens.scope, 'content:write openid');
		assertError(await refresh(registered, tokens.refresh_token, { scope: 'openid email' }), 400, 'invalid_scope');
		const less = await refresh(registered, tokens.refresh_token, { scope: 'openid' });
		assert.equal(less.json.scope, 'openid');
		assert.equal((await client.get('/v1/blog?status=all', { token: less.json.access_token })).status, 403);
		const more = await refresh(registered, less.json.refresh_token);
		assert.equal(more.json.scope, 'content:write openid');
		assertError(await post('/oauth2/token', { grant_type: 'client_credentials', scope: 'openid' },
			basic(registered)), 400, 'invalid_scope');
		assertError(await post('/oauth2/token', { grant_type: 'client_credentials', scope: 'audit:read' },
			basic(registered)), 400, 'invalid_scope');
	});

	test('opens nothing of the account itself', async () => {
		const tokens = await tokensFor(registered);
		for (const path of ['/v1/auth/me', '/v1/auth/sessions'])
			assert.equal((await client.get(path, { token: tokens.access_token })).status, 403, path);
		assert.equal((await client.post('/v1/auth/logout', { everywhere: true },
			{ token: tokens.access_token })).status, 403);
		assert.equal((await client.get('/v1/blog?status=all', { token: tokens.id_token })).status, 401);
	});

	test('gives no refresh token to a client without that grant type', async () => {
		const brief = await register({ ...CONFIDENTIAL, grant_types: ['authorization_code'] });
		const tokens = await tokensFor(brief);
		assert.equal(tokens.refresh_token, undefined);
		assertError(await refresh(brief, (await tokensFor(registered)).refresh_token), 400, 'unauthorized_client');
	});
});

describe('tokens that are looked into and taken back', () => {
	let registered, other;
	before(async () => {
		registered = await register(CONFIDENTIAL);
		other = await register(CONFIDENTIAL);
	});

	test('a client sees its own tokens, and who guards security all', async () => {
		const guard = await register({ ...CONFIDENTIAL, scopes: ['security:manage'] });
		const tokens = await tokensFor(registered);
		for (const value of [tokens.access_token, tokens.refresh_token]) {
			const seen = await introspect(registered, value);
			assert.equal(seen.active, true);
			assert.equal(seen.client_id, registered.id);
			assert.deepEqual(await introspect(other, value), { active: false });
		}
		assert.equal((await introspect(guard, tokens.access_token)).client_id, registered.id);
		for (const junk of ['x', 'qv_refresh_x', 'eyJhbGciOiJub25lIn0.e30.', token.slice(0, -2), `${token}.x`])
			assert.deepEqual(await introspect(guard, junk), { active: false });
	});

	test('only who proves itself may ask', async () => {
		const pocket = await register(PUBLIC);
		assertError(await post('/oauth2/introspect', { token, client_id: pocket.id }), 401, 'invalid_client');
		assertError(await post('/oauth2/introspect', { token }), 401, 'invalid_client');
		assertError(await post('/oauth2/revoke', { token }), 401, 'invalid_client');
	});

	test('a client takes back its own tokens alone, and learns nothing of others', async () => {
		const tokens = await tokensFor(registered);
		for (const value of [tokens.access_token, tokens.refresh_token, token, 'x', 'eyJx.y.z'])
			assert.equal((await post('/oauth2/revoke', { token: value }, basic(other))).status, 200);
		assert.equal((await introspect(registered, tokens.access_token)).active, true);
		assert.equal((await client.get('/v1/auth/me', { token })).status, 200);
		const taken = await post('/oauth2/revoke', { token: tokens.access_token }, basic(registered));
		assert.equal(taken.status, 200);
		assert.equal((await client.get('/v1/blog?status=all', { token: tokens.access_token })).status, 401);
		assertError(await refresh(registered, tokens.refresh_token), 400, 'invalid_grant');
	});

	test('a client’s own token is taken back alone', async () => {
		const grant = async () => (await post('/oauth2/token', { grant_type: 'client_credentials' },
			basic(registered))).json.access_token;
		const [one, two] = [await grant(), await grant()];
		await post('/oauth2/revoke', { token: one }, basic(registered));
		assert.equal((await introspect(registered, one)).active, false);
		assert.equal((await introspect(registered, two)).active, true);
	});

	test('whoever owns the account sees which application has a session, and ends it', async () => {
		const tokens = await tokensFor(registered);
		const { sid } = claimsOf(tokens.access_token);
		const mine = (await client.get('/v1/auth/sessions?limit=100', { token })).json.items;
		assert.equal(mine.find((s) => s.id === sid).client_name, 'Reports');
		assert.equal((await client.delete(`/v1/auth/sessions/${sid}`, { token })).status, 204);
		assert.equal((await introspect(registered, tokens.access_token)).active, false);
		assertError(await refresh(registered, tokens.refresh_token), 400, 'invalid_grant');
	});

	test('what was allowed is listed, and taken back with all that it gave', async () => {
		const mine = await register(CONFIDENTIAL);
		const first = await codeFor(mine, { scope: 'openid content:read' });
		const tokens = (await spend(mine, first)).json;
		const again = (await spend(mine, await codeFor(mine, { scope: 'openid content:read' }, first.browser))).json;
		const late = await codeFor(mine, { scope: 'openid content:read' }, first.browser);
		const others = await tokensFor(other);
		const list = async () => (await client.get('/v1/auth/consents?limit=100', { token })).json.items;
		const listed = (await list()).find((one) => one.client_id === mine.id);
		assert.deepEqual([listed.client_name, listed.scopes], ['Reports', ['content:read', 'openid']]);
		assert.equal(Date.parse(listed.expires_at) - Date.parse(listed.allowed_at), 180 * 86400_000);

		const remove = (id) => client.delete(`/v1/auth/consents/${id}`, { token });
		assert.equal((await remove(mine.id)).status, 204);
		assert.ok(!(await list()).some((one) => one.client_id === mine.id));
		for (const { access_token: value } of [tokens, again])
			assert.equal((await introspect(mine, value)).active, false);
		assertError(await refresh(mine, tokens.refresh_token), 400, 'invalid_grant');
		assertError(await spend(mine, late), 400, 'invalid_grant');
		const page = await first.browser.open(request(mine, pkce(), { scope: 'openid content:read' }));
		assert.equal(page.status, 200, 'and it has to ask again');
		assert.equal((await introspect(other, others.access_token)).active, true);
		assert.equal((await remove(mine.id)).status, 404);
		assert.equal((await remove('no-client')).status, 404);
		assert.equal((await client.get('/v1/auth/consents')).status, 401);
		assert.equal((await client.get('/v1/auth/consents', { token: others.access_token })).status, 403);
	});

	test('userinfo tells what was allowed and no more', async () => {
		const info = async (scope) => {
			const { access_token: value } = await tokensFor(registered, { scope });
			return client.get('/oauth2/userinfo', { token: value });
		};
		assert.deepEqual(Object.keys((await info('openid')).json), ['sub']);
		assert.deepEqual(Object.keys((await info('openid email')).json), ['sub', 'email']);
		assert.equal((await info('content:read')).status, 403);
		assert.equal((await client.get('/oauth2/userinfo')).status, 401);
	});
});

describe('registered clients', () => {
	test('a secret is shown once and is nowhere in the store', async () => {
		const made = await register(CONFIDENTIAL);
		assert.match(made.secret, /^qv_client_[A-Za-z0-9_-]{43}$/);
		const path = `/v1/auth/clients/${made.id}`;
		assert.equal((await client.get(path, { token })).json.secret, undefined);
		const listed = (await client.get('/v1/auth/clients?limit=100', { token })).json.items;
		assert.equal(listed.find((c) => c.id === made.id).secret, undefined);
		const next = await client.post(`${path}/secret`, {}, { token });
		assert.equal(next.status, 200, next.text);
		const form = { grant_type: 'client_credentials' };
		assertError(await post('/oauth2/token', form, basic(made)), 401, 'invalid_client');
		assert.equal((await post('/oauth2/token', form, basic(next.json))).status, 200);
	});

	test('a retried registration gives the same secret again, which is not kept in clear', async () => {
		const headers = { 'idempotency-key': crypto.randomUUID() };
		const [one, two] = [await client.post('/v1/auth/clients', CONFIDENTIAL, { token, headers }),
			await client.post('/v1/auth/clients', CONFIDENTIAL, { token, headers })];
		assert.equal(two.headers['idempotent-replayed'], 'true');
		assert.deepEqual(two.json, one.json);
		const { DatabaseSync } = await import('node:sqlite').catch(() => ({}));
		if (stack.external || DatabaseSync === undefined)
			return;
		const found = new DatabaseSync(`${stack.state}/quiver.db`, { readOnly: true });
		assert.ok(!JSON.stringify(found.prepare('SELECT * FROM items').all()).includes(one.json.secret));
	});

	test('removing a client ends all that it has', async () => {
		const gone = await register(CONFIDENTIAL);
		const tokens = await tokensFor(gone);
		const own = (await post('/oauth2/token', { grant_type: 'client_credentials' }, basic(gone))).json;
		assert.equal((await client.delete(`/v1/auth/clients/${gone.id}`, { token })).status, 204);
		for (const value of [tokens.access_token, own.access_token])
			assert.equal((await client.get('/v1/blog?status=all', { token: value })).status, 401);
		assertError(await refresh(gone, tokens.refresh_token), 401, 'invalid_client');
		assert.equal((await new Browser(issuer).open(request(gone, pkce()))).status, 400);
	});

	test('what cannot be is refused with every reason', async () => {
		const cases = [
			[{ redirect_uris: ['http://app.example/'] }, '/redirect_uris/0'],
			[{ redirect_uris: ['https://app.example/#x'] }, '/redirect_uris/0'],
			[{ redirect_uris: ['https://u@app.example/'] }, '/redirect_uris/0'],
			[{ redirect_uris: ['https://app.example;script-src/'] }, '/redirect_uris/0'],
			[{ redirect_uris: ['javascript:alert(1)'] }, '/redirect_uris/0'],
			[{ redirect_uris: ['com.example.app:/x'] }, '/redirect_uris/0'],
			[{ redirect_uris: ['/callback'] }, '/redirect_uris/0'],
			[{ redirect_uris: [] }, '/redirect_uris'],
			[{ grant_types: [] }, '/grant_types'],
			[{ grant_types: ['refresh_token'] }, '/grant_types'],
			[{ token_endpoint_auth_method: 'none' }, '/token_endpoint_auth_method'],
			[{ scopes: ['none-such'] }, '/scopes/0'],
			[{ scopes: ['keys:manage'] }, '/scopes/0'],
			[{ type: 'public' }, '/grant_types'],
		];
		for (const [change, pointer] of cases) {
			const reply = await client.post('/v1/auth/clients', { ...CONFIDENTIAL, ...change }, { token });
			assert.equal(reply.status, 422, `${JSON.stringify(change)}: ${reply.text}`);
			assert.ok(reply.json.errors.some((e) => e.pointer === pointer), reply.text);
		}
	});

	test('nobody lets a client do what he may not do himself', async () => {
		const manager = await register({ ...CONFIDENTIAL, scopes: ['users:manage', 'content:read'] });
		const { access_token: limited } = (await post('/oauth2/token', { grant_type: 'client_credentials' },
			basic(manager))).json;
		const wish = { ...CONFIDENTIAL, scopes: ['content:read', 'audit:read'] };
		const reply = await client.post('/v1/auth/clients', wish, { token: limited });
		assert.equal(reply.status, 422, reply.text);
		assert.equal(reply.json.errors[0].pointer, '/scopes/1');
		const { access_token: stranger } = (await post('/oauth2/token', { grant_type: 'client_credentials' },
			basic(await register(CONFIDENTIAL)))).json;
		assert.equal((await client.post('/v1/auth/clients', CONFIDENTIAL, { token: stranger })).status, 403);
		assert.equal((await client.post('/v1/auth/clients', CONFIDENTIAL)).status, 401);
	});

	test('fewer scopes hold from the next refresh on', async () => {
		const wide = await register(CONFIDENTIAL);
		const tokens = await tokensFor(wide, { scope: 'openid content:write' });
		const path = `/v1/auth/clients/${wide.id}`;
		const { etag } = (await client.get(path, { token })).headers;
		const less = await client.patch(path, { scopes: ['openid'] }, { token, headers: { 'if-match': etag } });
		assert.equal(less.status, 200, less.text);
		assert.equal((await client.patch(path, { name: 'x' }, { token, headers: { 'if-match': etag } })).status, 412);
		assert.equal((await refresh(wide, tokens.refresh_token)).json.scope, 'openid');
	});
});

test('no secret of any of this is in the log', { skip: process.env.QUIVER_URL !== undefined }, async () => {
	const registered = await register(CONFIDENTIAL);
	const code = await codeFor(registered);
	const tokens = (await spend(registered, code)).json;
	await until('the log has it', () => stack.logLines().some((l) => l.route === '/oauth2/token'));
	const log = JSON.stringify(stack.logLines());
	for (const secret of [registered.secret, code.code, code.verifier, tokens.access_token, tokens.refresh_token,
		OWNER.password])
		assert.ok(!log.includes(secret));
});
