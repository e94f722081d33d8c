// Security: the OAuth 2.0 and OpenID Connect server, with clients that others wrote.
// What this file holds off:
//   open redirects                an unknown redirect_uri, near misses of a known one
//   duplicate parameters          in queries and forms
//   PKCE downgrades               no challenge, plain, no verifier
//   mix-up of servers             iss in every answer (RFC 9207)
//   forged consent                forms without their token, of another browser, another request
//   clickjacking                  frame-ancestors 'none'
//   scripts in names              what clients and people send is text
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { before, describe, test } from 'node:test';
import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { OWNER } from './harness.mjs';
import { Browser } from './oauth_browser.mjs';
import {
	assertError, base64url, CALLBACK, client, codeFor, CONFIDENTIAL, INSECURE, issuer, pkce,
	post, PUBLIC, register, request, token, tokensFor,
} from './oauth_server.mjs';

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
