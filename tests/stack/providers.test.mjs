// Security: sign-in through outside providers.  What this file holds off:
//   login CSRF                  an answer counts in the browser that began, once, with its state
//   mix-up                      an answer counts at its own provider's address, with its own iss
//   injected codes and tokens   PKCE, nonce; id tokens of others, for others, unsigned, old
//   taken-over accounts         an unverified address opens nothing; nor does a second subject
//   open redirects              return_to is of this origin or of CORS_ORIGINS
//   stolen hand-over codes      good once, for who began
//   providers that hang         a deadline, 503, and other requests go on
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import * as jose from 'jose';
import { totpCode } from './client.mjs';
import { OWNER, startStack, until } from './harness.mjs';
import { Browser, CLIENT, startGitHub, startOpenId, startScripted } from './providers.mjs';

const APP = 'https://app.example';
const stranger = await jose.generateKeyPair('ES256');
const challengeOf = (verifier) => crypto.createHash('sha256').update(verifier).digest('base64url');

describe('sign-in through a provider', () => {
	let stack, openid, scripted, github, browser;

	before(async () => {
		[openid, scripted, github] = await Promise.all([startOpenId(), startScripted(), startGitHub()]);
		const client = { client_id: CLIENT.id, client_secret: CLIENT.secret };
		stack = await startStack('lighttpd', {
			handlers: ['auth', 'health'],
			env: {
				CORS_ORIGINS: APP,
				AUTH_PROVIDERS: JSON.stringify([
					{ name: 'work', issuer: openid.issuer, label: 'Work & Co', ...client },
					{ name: 'scripted', issuer: scripted.issuer, ...client },
					{ name: 'unlinked', issuer: scripted.issuer, link: false, ...client },
					{ name: 'github', endpoints: github.endpoints, ...client },
				]),
			},
		});
		openid.start([`${stack.url}/v1/auth/oauth/work/callback`]);
	});
	after(async () => {
		await stack?.stop();
		for (const peer of [openid, scripted, github])
			await peer?.stop();
	});
	beforeEach(() => {
		browser = new Browser();
		scripted.reset();
	});

	const to = (provider, query = {}) =>
		`${stack.url}/v1/auth/oauth/${provider}?${new URLSearchParams(query)}`;
	const isCallback = (url) => url.pathname.endsWith('/callback');
	const exchange = (who, body) => who.open(`${stack.url}/v1/auth/oauth/exchange`, {
		method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
	});

	async function me(tokens) {
		const reply = await stack.as(tokens.access_token, '/v1/auth/me');
		assert.equal(reply.status, 200, reply.text);
		return reply.json();
	}

	async function signedIn(provider) {
		const reply = await browser.follow(to(provider));
		assert.equal(reply.status, 200, reply.text);
		assert.equal(reply.headers['cache-control'], 'no-store');
		return me(reply.json());
	}

	async function refused(provider, status = 401) {
		const reply = await browser.follow(to(provider));
		assert.equal(reply.status, status, reply.text);
		assert.equal(reply.headers['content-type'], 'application/problem+json');
		return reply.json().detail;
	}

	// Up to where the provider sends the browser back to, which is not opened.
	async function answered(provider, query) {
		const reply = await browser.follow(to(provider, query), isCallback);
		assert.ok(isCallback(reply.next), `${reply.url}: ${reply.status} ${reply.text}`);
		return reply.next;
	}

	test('is offered by name, label and address', async () => {
		const reply = await stack.request('/v1/auth/providers');
		assert.equal(reply.status, 200);
		assert.deepEqual(reply.json().providers[0],
			{ name: 'work', label: 'Work & Co', url: `${stack.url}/v1/auth/oauth/work` });
		assert.deepEqual(reply.json().providers.map((p) => p.name), ['work', 'scripted', 'unlinked', 'github']);
		assert.ok(!reply.text.includes(CLIENT.secret));
		assert.equal((await stack.request('/v1/auth/oauth/nobody')).status, 404);
	});

	test('asks an OpenID provider with state, nonce and PKCE, and nothing is guessable', async () => {
		const [one, two] = [await browser.open(to('work')), await browser.open(to('work'))];
		for (const reply of [one, two]) {
			assert.equal(reply.status, 303);
			assert.equal(reply.next.origin, openid.issuer);
			const asked = reply.next.searchParams;
			assert.equal(asked.get('code_challenge_method'), 'S256');
			assert.equal(asked.get('redirect_uri'), `${stack.url}/v1/auth/oauth/work/callback`);
			assert.equal(asked.get('scope'), 'openid email profile');
			const [cookie] = reply.headers['set-cookie'];
			assert.match(cookie, /; HttpOnly; SameSite=Lax$/);
			for (const name of ['state', 'nonce', 'code_challenge']) {
				assert.match(asked.get(name), /^[\w-]{43}$/, name);
				assert.ok(!cookie.includes(asked.get(name)), name);
			}
		}
		for (const name of ['state', 'nonce', 'code_challenge'])
			assert.notEqual(one.next.searchParams.get(name), two.next.searchParams.get(name));
	});

	test('makes an account of one that is new, and finds it again', async () => {
		const first = await signedIn('work');
		assert.equal(first.email, 'ada@example.org');
		assert.equal(first.name, 'Ada');
		assert.deepEqual(first.roles, ['user']);
		assert.equal(first.plan, 'free');
		browser = new Browser();
		openid.account = { ...openid.account, email: 'ada@elsewhere.example' };
		assert.equal((await signedIn('work')).id, first.id, 'by the subject, whatever the address');
	});

	test('reads the primary, verified address at GitHub', async () => {
		const first = await signedIn('github');
		assert.equal(first.email, 'octocat@example.org');
		assert.equal(first.name, 'The Octocat');
		github.user = { ...github.user, login: 'renamed', name: null };
		browser = new Browser();
		assert.equal((await signedIn('github')).id, first.id, 'the number counts, not the login');
		github.user = { id: 77, login: 'octocat', name: 'The Octocat' };
		github.emails = [{ email: 'else@example.org', primary: true, verified: false },
			{ email: 'owner@example.com', primary: false, verified: true }];
		browser = new Browser();
		assert.match(await refused('github'), /no e-mail address/);
	});

	// --- the answer ---------------------------------------------------------------------

	test('an answer counts once', async () => {
		const back = await answered('work');
		const cookies = new Map(browser.jar);
		assert.equal((await browser.open(back)).status, 200);
		assert.equal((await browser.open(back)).status, 400, 'the cookie is gone');
		browser.jar = cookies;
		const again = await browser.open(back);
		assert.equal(again.status, 400, 'nor with the cookie kept');
		assert.match(again.json().detail, /start again/);
	});

	test('an answer counts in no other browser', async () => {
		const back = await answered('work');
		assert.equal((await new Browser().open(back)).status, 400, 'without a cookie');
		const other = new Browser();
		await other.open(to('work'));
		assert.equal((await other.open(back)).status, 400, 'with one of its own');
	});

	test('an answer counts with the state that was sent, and no other', async () => {
		for (const state of ['', 'x', crypto.randomBytes(32).toString('base64url'), undefined]) {
			const back = await answered('work');
			if (state === undefined)
				back.searchParams.delete('state');
			else
				back.searchParams.set('state', state);
			assert.equal((await browser.open(back)).status, 400, `state ${state}`);
		}
	});

	test('a cookie that was changed is none', async () => {
		const back = await answered('work');
		for (const cookie of browser.jar.values())
			if (cookie.host === new URL(stack.url).host)
				cookie.value = cookie.value.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'));
		assert.equal((await browser.open(back)).status, 400);
	});

	test('an answer at another provider\'s address is none', async () => {
		for (const provider of ['scripted', 'unlinked', 'github']) {
			const back = await answered('work');
			back.pathname = `/v1/auth/oauth/${provider}/callback`;
			if (provider === 'github')      // which announces no issuer
				back.searchParams.delete('iss');
			assert.equal((await browser.open(back)).status, 400, provider);
		}
		assert.deepEqual(scripted.asked, [], 'the other provider never sees the code');
	});

	test('an answer without the issuer that the provider announces is none', async () => {
		for (const iss of [undefined, openid.issuer, `${scripted.issuer}/`]) {
			scripted.answer = { iss };
			assert.match(await refused('scripted', 400), /start again/, `iss ${iss}`);
		}
		assert.deepEqual(scripted.asked, []);
	});

	test('a provider\'s error goes back, and none of its words', async () => {
		scripted.answer = { code: undefined, error: 'server_error', error_description: '<b>words</b>' };
		assert.doesNotMatch(await refused('scripted'), /words|server_error/);
		scripted.answer = { code: undefined, error: 'access_denied' };
		assert.match(await refused('scripted'), /called off/);
		const reply = await browser.follow(to('scripted', { return_to: '/account?tab=1' }),
			(url) => url.pathname === '/account');
		assert.equal(reply.next.href, `${stack.url}/account?tab=1&error=access_denied`);
		const before = openid.account;
		openid.account = null;
		browser = new Browser();
		assert.match(await refused('work'), /called off/);
		openid.account = before;
	});

	test('the secret goes to the token endpoint in a header, each part escaped', async () => {
		await signedIn('scripted');
		const [{ form, authorization }] = scripted.asked;
		assert.equal(Buffer.from(authorization.slice(6), 'base64').toString(),
			`${CLIENT.id}:${encodeURIComponent(CLIENT.secret)}`);
		assert.equal(form.get('client_secret'), null);
		assert.match(form.get('code_verifier'), /^[\w-]{43}$/);
	});

	// --- the id token -------------------------------------------------------------------

	for (const [what, change] of Object.entries({
		'of another sign-in': { claims: { nonce: crypto.randomBytes(32).toString('base64url') } },
		'without a nonce': { claims: { nonce: undefined } },
		'for another client': { claims: { aud: 'another' } },
		'for several, made for another': { claims: { aud: [CLIENT.id, 'another'], azp: 'another' } },
		'for several, nobody knows for whom': { claims: { aud: [CLIENT.id, 'another'] } },
		'without an audience': { claims: { aud: undefined, client_id: CLIENT.id } },
		'of another issuer': { claims: { iss: 'https://elsewhere.example' } },
		'that has expired': { claims: { exp: Math.floor(Date.now() / 1000) - 120 } },
		'of tomorrow': { claims: { iat: Math.floor(Date.now() / 1000) + 86400 } },
		'that never began': { claims: { iat: undefined } },
		'of nobody': { claims: { sub: undefined } },
		'of somebody with too long a name': { claims: { sub: 'x'.repeat(256) } },
		'that is an access token': { header: { typ: 'at+jwt' } },
		'signed by somebody else': { key: stranger.privateKey },
		'of a key that there is not': { header: { kid: 'e2' } },
	})) {
		test(`an id token ${what} signs nobody in`, async () => {
			Object.assign(scripted, change);
			assert.match(await refused('scripted'), /did not sign you in/);
		});
	}

	test('what userinfo says of somebody else is not believed', async () => {
		scripted.claims = { email: undefined, email_verified: undefined };
		scripted.userinfo = { sub: 'another', email: OWNER.email, email_verified: true };
		assert.match(await refused('scripted'), /did not sign you in/);
		scripted.userinfo = { sub: scripted.sub, email: 'by-userinfo@example.org', email_verified: true };
		assert.equal((await signedIn('scripted')).email, 'by-userinfo@example.org');
	});

	// --- accounts -----------------------------------------------------------------------

	test('an unverified address opens no account and makes none', async () => {
		for (const verified of [false, undefined, null, 'false', 1, 'yes']) {
			scripted.claims = { email: OWNER.email, email_verified: verified };
			assert.match(await refused('scripted'), /verified no e-mail/, String(verified));
			scripted.claims.email = `new-${crypto.randomUUID()}@example.org`;
			assert.match(await refused('scripted'), /verified no e-mail/, String(verified));
		}
	});

	test('a provider that may not link opens no account that is there', async () => {
		scripted.claims = { email: OWNER.email };
		assert.match(await refused('unlinked'), /as you did before/);
	});

	test('a verified address opens its account, whose owner is told; for the first subject alone', async () => {
		const owner = await me({ access_token: await stack.signIn() });
		scripted.claims = { email: OWNER.email.toUpperCase() };
		assert.equal((await signedIn('scripted')).id, owner.id);
		const mails = path.join(stack.state, 'mail');
		await until('a mail to the owner', () => fs.existsSync(mails) && fs.readdirSync(mails)
			.some((name) => fs.readFileSync(path.join(mails, name), 'utf8').includes('scripted can now sign you in')));
		const count = fs.readdirSync(mails).length;
		browser = new Browser();
		assert.equal((await signedIn('scripted')).id, owner.id);
		assert.equal(fs.readdirSync(mails).length, count, 'told once');
		scripted.sub = crypto.randomUUID();
		browser = new Browser();
		assert.match(await refused('scripted'), /as you did before/);
	});

	test('links are listed and removed by the account that has them', async () => {
		scripted.claims = { email: 'linked@example.org' };
		const tokens = (await browser.follow(to('scripted'))).json();
		const links = (method = 'GET', name = '') =>
			stack.as(tokens.access_token, `/v1/auth/links${name}`, { method });
		const [link, ...rest] = (await links()).json().items;
		assert.deepEqual([link.provider, link.subject, rest], ['scripted', scripted.sub, []]);
		assert.ok(Date.now() - Date.parse(link.linked_at) < 60000, link.linked_at);
		assert.equal((await links('DELETE', '/github')).status, 404);
		assert.equal((await links('DELETE', '/scripted')).status, 204);
		assert.deepEqual((await links()).json().items, []);
		assert.equal((await links('DELETE', '/scripted')).status, 404);

		// The subject is nobody's now: with another address it is somebody else.
		const { id } = await me(tokens);
		scripted.claims = { email: 'moved@example.org' };
		browser = new Browser();
		assert.notEqual((await signedIn('scripted')).id, id);
	});

	test('two browsers that come first at once get one account', async () => {
		scripted.claims = { email: 'twice@example.org' };
		const [a, b] = await Promise.all([new Browser(), new Browser()].map((one) => one.follow(to('scripted'))));
		assert.equal(a.status, 200, a.text);
		assert.equal(b.status, 200, b.text);
		assert.equal((await me(a.json())).id, (await me(b.json())).id);
	});

	test('a second factor is asked for here, too', async () => {
		scripted.claims = { email: 'careful@example.org' };
		const first = await browser.follow(to('scripted'));
		const token = first.json().access_token;
		const post = (path, body) => stack.as(token, path, { method: 'POST', body });
		const { secret } = (await post('/v1/auth/totp', {})).json();
		assert.equal((await post('/v1/auth/totp/verify', { code: totpCode(secret, -1) })).status, 200);
		const verifier = crypto.randomBytes(32).toString('base64url');
		const there = await browser.follow(to('scripted', { return_to: `${APP}/in`, code_challenge: challengeOf(verifier) }),
			(url) => url.origin === APP);
		const handed = await exchange(browser, { code: there.next.searchParams.get('code'), code_verifier: verifier });
		for (const reply of [await browser.follow(to('scripted')), handed]) {
			assert.equal(reply.status, 200, reply.text);
			assert.equal(reply.headers['cache-control'], 'no-store');
			assert.deepEqual(Object.keys(reply.json()), ['challenge', 'session']);
			assert.equal(reply.json().challenge, 'totp');
		}
		assert.equal((await exchange(browser, { code: there.next.searchParams.get('code'), code_verifier: verifier })).status,
			401, 'the code is spent by the question, too');
		const { session } = handed.json();
		assert.equal((await post('/v1/auth/login/totp', { session, code: totpCode(secret, 50) })).status, 401);
		const done = await post('/v1/auth/login/totp', { session, code: totpCode(secret) });
		assert.equal(done.status, 200, done.text);
		assert.equal((await me(done.json())).email, 'careful@example.org');
	});

	// --- going back ---------------------------------------------------------------------

	async function returned(query) {
		const target = new URL(query.return_to, stack.url);
		const reply = await browser.follow(to('work', query),
			(url) => url.origin === target.origin && url.pathname === target.pathname);
		assert.equal(reply.status, 303, reply.text);
		assert.deepEqual([...reply.next.searchParams.keys()].filter((name) => name !== 'x'), ['code']);
		assert.equal(reply.next.hash, '');
		return reply.next;
	}

	test('an application of another origin gets tokens for its code and verifier, once', async () => {
		const verifier = crypto.randomBytes(32).toString('base64url');
		const back = await returned({ return_to: `${APP}/in?x=1`, code_challenge: challengeOf(verifier) });
		assert.equal(back.searchParams.get('x'), '1');
		const code = back.searchParams.get('code');
		const other = new Browser();
		for (const code_verifier of [crypto.randomBytes(32).toString('base64url'), challengeOf(verifier), undefined])
			assert.equal((await exchange(other, { code, code_verifier })).status, 401, code_verifier);
		assert.equal((await exchange(browser, { code })).status, 401, 'the browser alone does not do');
		const reply = await exchange(other, { code, code_verifier: verifier });
		assert.equal(reply.status, 200, reply.text);
		assert.equal(reply.headers['cache-control'], 'no-store');
		assert.equal((await me(reply.json())).name, 'Ada');
		assert.equal((await exchange(other, { code, code_verifier: verifier })).status, 401, 'again');
	});

	test('a page of this origin gets tokens in the browser that signed in, and in no other', async () => {
		const code = (await returned({ return_to: '/account' })).searchParams.get('code');
		assert.equal((await exchange(new Browser(), { code })).status, 401);
		const reply = await exchange(browser, { code });
		assert.equal(reply.status, 200, reply.text);
		assert.equal((await exchange(browser, { code })).status, 401, 'again');
	});

	test('of two exchanges of one code at once one gets tokens', async () => {
		const verifier = crypto.randomBytes(32).toString('base64url');
		const back = await returned({ return_to: `${APP}/in`, code_challenge: challengeOf(verifier) });
		const replies = await Promise.all(Array.from({ length: 8 }, () =>
			exchange(new Browser(), { code: back.searchParams.get('code'), code_verifier: verifier })));
		assert.deepEqual(replies.map((r) => r.status).sort(), [200, ...Array(7).fill(401)]);
	});

	test('nobody is sent anywhere else', async () => {
		const own = new URL(stack.url).host;
		const challenge = challengeOf('x');
		for (const return_to of [
			'//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example',
			'https://evil.example', 'http://app.example', `${APP}.evil.example/`, `${APP}:444/`, `${APP}@evil.example/`,
			`https://user@app.example/`, `http://${own}@evil.example/`, `http://${own}.evil.example`, `${APP}\\@evil.example`,
			'https:evil.example', 'https:/evil.example', 'javascript:alert(1)', 'data:text/html,x', 'evil.example',
			`${APP}/#x`, '/#x', 'HTTPS://app.example/', 'http:///evil.example', '/ x', '/\u0000', '/é', '', 'https://',
		]) {
			const reply = await browser.open(to('work', { return_to, code_challenge: challenge }));
			assert.ok([400, 422].includes(reply.status), `${return_to}: ${reply.status} ${reply.headers.location}`);
			assert.equal(reply.headers.location, undefined, return_to);
		}
	});

	test('another origin needs a challenge, and a challenge is a digest', async () => {
		const without = await browser.open(to('work', { return_to: `${APP}/` }));
		assert.equal(without.status, 422);
		assert.deepEqual(without.json().errors.map((e) => e.pointer), ['/code_challenge']);
		for (const code_challenge of ['x', 'x'.repeat(43), `${challengeOf('x')}=`, challengeOf('x').slice(1)])
			assert.equal((await browser.open(to('work', { return_to: '/', code_challenge }))).status, 422, code_challenge);
		assert.equal((await browser.open(to('work', { return_to: '/', code_challenge: challengeOf('x'), code_challenge_method: 'plain' }))).status, 422);
	});

	// --- trouble ------------------------------------------------------------------------

	test('a provider that is down is 503, or an error to the application', async () => {
		scripted.tokenStatus = 500;
		const reply = await browser.follow(to('scripted'));
		assert.equal(reply.status, 503, reply.text);
		assert.match(reply.headers['retry-after'], /^\d+$/);
		const back = await browser.follow(to('scripted', { return_to: '/account' }), (url) => url.pathname === '/account');
		assert.equal(back.next?.search, '?error=temporarily_unavailable', back.text);
	});

	test('a provider that hangs is given up in time, and others are served meanwhile', async () => {
		const backs = [];
		for (let i = 0; i < 12; i++) {
			browser = new Browser();
			backs.push([browser, await answered('scripted')]);
		}
		scripted.hangs = true;
		const began = Date.now();
		const waiting = backs.map(([one, back]) => one.open(back));
		await until('half of the workers wait', () => scripted.hung >= 4);
		const live = await stack.request('/v1/auth/providers');
		assert.equal(live.status, 200);
		assert.ok(Date.now() - began < 3000, `${Date.now() - began} ms`);
		for (const reply of await Promise.all(waiting))
			assert.equal(reply.status, 503, reply.text);
		assert.equal(scripted.hung, 4, 'no more at a time');
		assert.ok(Date.now() - began < 15000, `${Date.now() - began} ms`);
	});

	test('no code, token or secret is in the log', () => {
		const text = stack.logText();
		assert.doesNotMatch(text, /qv_sign_in_|gho_token|eyJ/);
		assert.ok(!text.includes(CLIENT.secret) && !text.includes(encodeURIComponent(CLIENT.secret)));
		assert.match(text, /auth\.provider_refused/);
	});
});
