// Security: the OAuth 2.0 and OpenID Connect server, with clients that others wrote.
// What this file holds off:
//   open redirects                an unknown redirect_uri, near misses of a known one
//   duplicate parameters          in queries and forms
//   stolen codes                  another client's, without the verifier, a second time, too late
//   stolen refresh tokens         a second use ends the session; another client's, our own
//   PKCE downgrades               no challenge, plain, no verifier
//   mix-up of servers             iss in every answer (RFC 9207)
//   forged consent                forms without their token, of another browser, another request
//   clickjacking                  frame-ancestors 'none'
//   scripts in names              what clients and people send is text
//   a client that wants more      scopes over its own, over its account's, over its registrar's
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { Client, signIn } from './client.mjs';
import { OWNER, startStack, until } from './harness.mjs';
import { Browser, fixedAddress } from './oauth_browser.mjs';

const CALLBACK = 'https://app.example/callback';
const INSECURE = { [oauth.allowInsecureRequests]: true };
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

let stack, client, address, issuer, token;
before(async () => {
	address = await fixedAddress();
	issuer = address.url;
	stack = await startStack('lighttpd', { env: { PUBLIC_URL: issuer, REFRESH_GRACE_S: '0' } });
	address.to(stack.url);
	client = new Client(issuer);
	token = (await signIn(client)).access_token;
});
after(async () => {
	client?.close();
	address?.close();
	await stack?.stop();
});

const CONFIDENTIAL = { name: 'Reports', type: 'confidential', redirect_uris: [CALLBACK],
	grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
	scopes: ['openid', 'profile', 'email', 'offline_access', 'content:read', 'content:write'] };
const PUBLIC = { name: 'Pocket', type: 'public',
	redirect_uris: ['com.example.pocket:/callback', CALLBACK],
	grant_types: ['authorization_code', 'refresh_token'], scopes: ['openid', 'content:read'] };

async function register(wish) {
	const reply = await client.post('/v1/auth/clients', wish, { token });
	assert.equal(reply.status, 201, reply.text);
	return reply.json;
}

function pkce() {
	const verifier = base64url(crypto.randomBytes(32));
	return { verifier, challenge: base64url(crypto.createHash('sha256').update(verifier).digest()) };
}

function authorizeUrl(parameters) {
	const url = new URL('/oauth2/authorize', issuer);
	for (const [name, value] of Object.entries(parameters))
		if (value !== undefined)
			url.searchParams.set(name, value);
	return url;
}

const request = (registered, { challenge }, more = {}) => authorizeUrl({
	client_id: registered.id, redirect_uri: CALLBACK, response_type: 'code', state: 'st at/e',
	code_challenge: challenge, code_challenge_method: 'S256', ...more });

const basic = ({ id, secret }) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` });

async function post(path, form, headers = {}) {
	const reply = await fetch(issuer + path, { method: 'POST', headers,
		body: typeof form === 'string' ? form : new URLSearchParams(form),
		...typeof form === 'string' ? { headers: { ...headers,
			'content-type': 'application/x-www-form-urlencoded' } } : {} });
	const text = await reply.text();
	return { status: reply.status, headers: reply.headers, text,
		get json() { return JSON.parse(text); } };
}

// A code, and what it takes to spend it.
async function codeFor(registered, more, browser = new Browser(issuer)) {
	const proof = pkce();
	const page = await browser.grant(request(registered, proof, more), OWNER);
	return { ...page.answer, verifier: proof.verifier, browser };
}

const spend = (registered, { code, verifier }, more = {}, headers = basic(registered)) =>
	post('/oauth2/token', { grant_type: 'authorization_code', code, redirect_uri: CALLBACK,
		code_verifier: verifier, ...more }, headers);

async function tokensFor(registered, more) {
	const reply = await spend(registered, await codeFor(registered, more));
	assert.equal(reply.status, 200, reply.text);
	return reply.json;
}

const refresh = (registered, refreshToken, more = {}) => post('/oauth2/token',
	{ grant_type: 'refresh_token', refresh_token: refreshToken, ...more }, basic(registered));
const introspect = async (registered, value) =>
	(await post('/oauth2/introspect', { token: value }, basic(registered))).json;

function assertError(reply, status, error) {
	assert.equal(reply.status, status, reply.text);
	assert.equal(reply.json.error, error, reply.text);
	assert.equal(typeof reply.json.error_description, 'string');
	assert.match(reply.headers.get('cache-control'), /no-store/);
}

describe('clients that others wrote', () => {
	test('openid-client signs a person in, reads who it is, refreshes and revokes', async () => {
		const registered = await register(CONFIDENTIAL);
		const config = await openid.discovery(new URL(issuer), registered.id, registered.secret,
			openid.ClientSecretBasic(registered.secret), { execute: [openid.allowInsecureRequests] });
		const verifier = openid.randomPKCECodeVerifier();
		const [state, nonce] = [openid.randomState(), openid.randomNonce()];
		const url = openid.buildAuthorizationUrl(config, { redirect_uri: CALLBACK,
			scope: 'openid email profile offline_access content:write', state, nonce, max_age: '300',
			code_challenge: await openid.calculatePKCECodeChallenge(verifier),
			code_challenge_method: 'S256' });
		const page = await new Browser(issuer).grant(url, OWNER);
		const tokens = await openid.authorizationCodeGrant(config, new URL(page.location),
			{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge: 300,
				idTokenExpected: true });
		assert.equal(tokens.claims().email, OWNER.email);
		assert.equal(tokens.claims().aud, registered.id);

		const info = await openid.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
		assert.equal(info.email, OWNER.email);

		const next = await openid.refreshTokenGrant(config, tokens.refresh_token);
		assert.notEqual(next.refresh_token, tokens.refresh_token);
		assert.equal((await openid.tokenIntrospection(config, next.access_token)).active, true);
		await openid.tokenRevocation(config, next.refresh_token);
		assert.equal((await openid.tokenIntrospection(config, next.access_token)).active, false);
		await assert.rejects(openid.refreshTokenGrant(config, next.refresh_token),
			(e) => e.error === 'invalid_grant');
	});

	test('openid-client gets a token for itself, with either way to send its secret', async () => {
		for (const [method, authentication] of [['client_secret_basic', openid.ClientSecretBasic],
			['client_secret_post', openid.ClientSecretPost]]) {
			const registered = await register({ ...CONFIDENTIAL, token_endpoint_auth_method: method });
			const config = await openid.discovery(new URL(issuer), registered.id, undefined,
				authentication(registered.secret), { execute: [openid.allowInsecureRequests],
					algorithm: 'oauth2' });
			const tokens = await openid.clientCredentialsGrant(config, { scope: 'content:write' });
			const made = await client.post('/v1/blog', { title: `By ${method}` },
				{ token: tokens.access_token });
			assert.equal(made.status, 201, made.text);
			const seen = await openid.tokenIntrospection(config, tokens.access_token);
			assert.equal(seen.sub, registered.id);
			assert.equal(seen.scope, 'content:write');
		}
	});

	test('oauth4webapi goes the whole way as a public client', async () => {
		const registered = await register(PUBLIC);
		const found = await oauth.processDiscoveryResponse(new URL(issuer),
			await oauth.discoveryRequest(new URL(issuer), { ...INSECURE, algorithm: 'oauth2' }));
		assert.equal(found.authorization_response_iss_parameter_supported, true);
		const self = { client_id: registered.id };
		const verifier = oauth.generateRandomCodeVerifier();
		const url = request(registered,
			{ challenge: await oauth.calculatePKCECodeChallenge(verifier) }, { scope: 'openid content:read' });
		const page = await new Browser(issuer).grant(url, OWNER);
		const parameters = oauth.validateAuthResponse(found, self, new URL(page.location), 'st at/e');
		const reply = await oauth.processAuthorizationCodeResponse(found, self,
			await oauth.authorizationCodeGrantRequest(found, self, oauth.None(), parameters, CALLBACK,
				verifier, INSECURE), { requireIdToken: true });
		const next = await oauth.processRefreshTokenResponse(found, self,
			await oauth.refreshTokenGrantRequest(found, self, oauth.None(), reply.refresh_token, INSECURE));
		const info = await oauth.processUserInfoResponse(found, self, oauth.getValidatedIdTokenClaims(reply).sub,
			await oauth.userInfoRequest(found, self, next.access_token, INSECURE));
		assert.equal(info.email, undefined, 'nobody allowed it the address');
		await oauth.processRevocationResponse(
			await oauth.revocationRequest(found, self, oauth.None(), next.access_token, INSECURE));
		assertError(await post('/oauth2/token', { grant_type: 'refresh_token', client_id: registered.id,
			refresh_token: next.refresh_token }), 400, 'invalid_grant');
	});

	test('oauth4webapi refuses an answer that another server gave', async () => {
		const found = await oauth.processDiscoveryResponse(new URL(issuer),
			await oauth.discoveryRequest(new URL(issuer), INSECURE));
		const registered = await register(CONFIDENTIAL);
		const { code, iss } = await codeFor(registered);
		assert.equal(iss, issuer);
		assert.throws(() => oauth.validateAuthResponse(found, { client_id: registered.id },
			new URL(`${CALLBACK}?code=${code}&state=s&iss=https://evil.example`), 's'));
	});

	test('jose verifies access and id tokens against the published keys', async () => {
		const registered = await register(CONFIDENTIAL);
		const tokens = await tokensFor(registered, { nonce: 'n-1' });
		const keys = jose.createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));
		const access = await jose.jwtVerify(tokens.access_token, keys,
			{ issuer, audience: 'quiver' });
		assert.equal(access.payload.client_id, registered.id);
		const id = await jose.jwtVerify(tokens.id_token, keys, { issuer, audience: registered.id });
		assert.equal(id.payload.nonce, 'n-1');
		assert.equal(id.payload.roles, undefined, 'no business of a third party');
		const half = crypto.createHash('sha256').update(tokens.access_token).digest().subarray(0, 16);
		assert.equal(id.payload.at_hash, base64url(half));
		assert.ok(Math.abs(id.payload.auth_time - Date.now() / 1000) < 60);
	});
});

describe('the authorization endpoint', () => {
	let registered;
	before(async () => { registered = await register(CONFIDENTIAL); });

	test('never redirects to an address that is not registered', async () => {
		const proof = pkce();
		for (const uri of ['https://evil.example/', 'https://app.example/callback/', `${CALLBACK}?x=1`,
			'https://app.example/', 'http://app.example/callback', 'https://APP.example/callback',
			'https://app.example:443/callback', 'https://app.example/callback/../evil',
			'https://app.example/callback%2f..', 'https://app.example@evil.example/callback',
			'//app.example/callback', 'javascript:alert(1)', '']) {
			const page = await new Browser(issuer).open(request(registered, proof, { redirect_uri: uri }));
			assert.equal(page.status, 400, uri);
			assert.equal(page.location, null, uri);
			assert.match(page.headers.get('content-type'), /^text\/html/, uri);
		}
		for (const id of ['', 'x', crypto.randomUUID(), '<script>alert(1)</script>']) {
			const page = await new Browser(issuer).open(request(registered, proof, { client_id: id }));
			assert.equal(page.status, 400, id);
			assert.equal(page.location, null, id);
			assert.doesNotMatch(page.text, /<script/);
		}
	});

	test('tells the client of all else that is wrong, with state and iss', async () => {
		const proof = pkce();
		const wrong = {
			unsupported_response_type: [{ response_type: 'token' }, { response_type: 'none' },
				{ response_type: 'code id_token' }, { response_type: 'code token' }],
			invalid_request: [{ response_type: undefined }, { code_challenge: undefined },
				{ code_challenge_method: undefined }, { code_challenge_method: 'plain' },
				{ code_challenge: 'short' }, { code_challenge: `${proof.challenge}=` },
				{ response_mode: 'fragment' }, { response_mode: 'form_post' }, { prompt: 'none login' },
				{ prompt: 'dance' }, { max_age: '-1' }, { max_age: 'soon' }],
			invalid_scope: [{ scope: 'openid audit:read' }, { scope: 'none-such' }, { scope: 'keys:manage' }],
			request_not_supported: [{ request: 'eyJhbGciOiJub25lIn0.e30.' }],
			request_uri_not_supported: [{ request_uri: 'https://evil.example/request' }],
			login_required: [{ prompt: 'none' }],
		};
		for (const [error, cases] of Object.entries(wrong)) {
			for (const change of cases) {
				const page = await new Browser(issuer).open(request(registered, proof, change));
				const what = JSON.stringify(change);
				assert.equal(page.status, 303, `${what}: ${page.text}`);
				assert.ok(page.location.startsWith(`${CALLBACK}?`), what);
				assert.equal(page.answer.error, error, what);
				assert.equal(page.answer.state, 'st at/e', what);
				assert.equal(page.answer.iss, issuer, what);
			}
		}
	});

	test('refuses a parameter that comes twice, without a redirect', async () => {
		const url = request(registered, pkce());
		for (const name of ['redirect_uri', 'client_id', 'scope', 'state', 'response_type'])
			assert.equal((await new Browser(issuer).open(`${url}&${name}=x&${name}=y`)).status, 400, name);
	});

	test('lets nothing run and nobody frame its pages', async () => {
		const browser = new Browser(issuer);
		const form = await browser.open(request(registered, pkce()));
		const consent = await browser.submit(form, OWNER);
		assert.equal(form.asks, 'sign-in');
		assert.equal(consent.asks, 'consent');
		for (const page of [form, consent]) {
			const policy = page.headers.get('content-security-policy');
			assert.match(policy, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; /);
			assert.match(policy, /frame-ancestors 'none'/);
			assert.match(policy, /form-action 'self' https:\/\/app\.example;/);
			assert.equal(page.headers.get('x-frame-options'), 'DENY');
			assert.equal(page.headers.get('cache-control'), 'no-store');
			assert.doesNotMatch(page.text, /<script|javascript:|\son[a-z]+=/i);
		}
	});

	test('shows what a client is called and what a person typed as text', async () => {
		const named = await register({ ...CONFIDENTIAL, name: '<img src=x onerror=alert(1)>"&' });
		const browser = new Browser(issuer);
		const form = await browser.open(request(named, pkce(), { state: '"><script>', login_hint: '"><i>' }));
		const again = await browser.submit(form, { email: '"><b>x', password: 'wrong' });
		assert.equal(again.status, 401);
		for (const page of [form, again]) {
			assert.match(page.text, /&lt;img src=x onerror=alert\(1\)&gt;&quot;&amp;/);
			assert.doesNotMatch(page.text, /<img|<script|<i>|<b>x/);
		}
	});

	test('keeps the browser in a cookie that scripts and other sites do not get', async () => {
		const reply = await fetch(request(registered, pkce()));
		const [cookie] = reply.headers.getSetCookie();
		assert.match(cookie, /^quiver_oauth=[^;]+; Max-Age=1800; Path=\/oauth2; HttpOnly; SameSite=Lax$/);
	});

	test('names the browser anew when somebody signs in', async () => {
		const browser = new Browser(issuer);
		const form = await browser.open(request(registered, pkce()));
		const before = browser.cookies.get('quiver_oauth').split('.')[0];
		await browser.submit(form, OWNER);
		assert.notEqual(browser.cookies.get('quiver_oauth').split('.')[0], before);
	});

	test('refuses a cookie that was changed', async () => {
		const { browser } = await codeFor(registered);
		const good = browser.cookies.get('quiver_oauth');
		const parts = good.split('.');
		for (const changed of [`${good}x`, good.slice(0, -1), [...parts.slice(0, 1), '9999999999999',
			...parts.slice(2)].join('.'), parts.slice(0, 5).join('.')]) {
			browser.cookies.set('quiver_oauth', changed);
			assert.equal((await browser.open(request(registered, pkce()))).asks, 'sign-in');
		}
	});

	test('takes no consent that its own page did not ask for', async () => {
		const browser = new Browser(issuer);
		const fresh = await register(CONFIDENTIAL);
		const url = request(fresh, pkce());
		const form = await browser.open(url);
		const consent = await browser.submit(form, OWNER);
		const other = new Browser(issuer);
		await other.submit(await other.open(url), OWNER);
		const another = request(fresh, pkce(), { scope: 'content:write' });
		const refused = {
			'no token': () => browser.request('POST', url, { form: { decision: 'allow', csrf: 'x' } }),
			'the sign-in page’s token': () => browser.request('POST', url, { form: { decision: 'allow',
				csrf: form.hidden.csrf } }),
			'another browser': () => other.submit(consent, { decision: 'allow' }),
			'no browser': () => new Browser(issuer).submit(consent, { decision: 'allow' }),
			'another request': () => browser.request('POST', another, { form: { ...consent.hidden,
				decision: 'allow' } }),
			'another site': () => browser.submit(consent, { decision: 'allow' },
				{ headers: { 'sec-fetch-site': 'cross-site' } }),
		};
		for (const [what, send] of Object.entries(refused)) {
			const page = await send();
			assert.equal(page.status, 400, what);
			assert.equal(page.location, null, what);
		}
		assert.equal((await browser.submit(consent, { decision: 'allow' })).status, 303);
	});

	test('asks once, and again for more', async () => {
		const fresh = await register(CONFIDENTIAL);
		const { browser } = await codeFor(fresh, { scope: 'openid email' });
		const open = (more) => browser.open(request(fresh, pkce(), more));
		assert.ok((await open({ scope: 'openid' })).answer.code);
		assert.ok((await open({ scope: 'openid', prompt: 'none' })).answer.code);
		assert.equal((await open({ scope: 'openid content:write', prompt: 'none' })).answer.error, 'consent_required');
		assert.equal((await open({ scope: 'openid content:write' })).asks, 'consent');
		assert.equal((await open({ scope: 'openid', prompt: 'consent' })).asks, 'consent');
		assert.equal((await open({ scope: 'openid', prompt: 'login' })).asks, 'sign-in');
		assert.equal((await open({ scope: 'openid', max_age: '0' })).asks, 'sign-in');
		assert.equal((await open({ scope: 'openid', max_age: '600' })).status, 303);
	});

	test('asks each time when the address proves nothing of the client', async () => {
		const pocket = await register(PUBLIC);
		const more = { redirect_uri: 'com.example.pocket:/callback' };
		const browser = new Browser(issuer);
		assert.ok((await browser.grant(request(pocket, pkce(), more), OWNER)).location
			.startsWith('com.example.pocket:/callback?code='));
		assert.equal((await browser.open(request(pocket, pkce(), more))).asks, 'consent');
	});

	test('takes no for an answer, and another account', async () => {
		const fresh = await register(CONFIDENTIAL);
		const browser = new Browser(issuer);
		const consent = await browser.submit(await browser.open(request(fresh, pkce())), OWNER);
		assert.equal((await browser.submit(consent, { decision: 'switch' })).asks, 'sign-in');
		const page = await browser.submit(consent, { decision: 'deny' });
		assert.equal(page.status, 303);
		assert.equal(page.answer.error, 'access_denied');
		assert.equal(page.answer.iss, issuer);
	});

	test('forgets the browser when its session is ended elsewhere', async () => {
		const { browser } = await codeFor(registered);
		const mine = (await client.get('/v1/auth/sessions?limit=100', { token })).json.items;
		const here = browser.cookies.get('quiver_oauth').split('.')[3];
		assert.ok(mine.some((s) => s.id === here && s.client_id === null));
		assert.equal((await client.delete(`/v1/auth/sessions/${here}`, { token })).status, 204);
		assert.equal((await browser.open(request(registered, pkce()))).asks, 'sign-in');
	});
});

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
