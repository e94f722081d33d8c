// Security: over https the pages' cookies are this host's alone (RFC 6265bis, 4.1.3): a browser
// keeps them, gives them back, and takes none of that name from plain http.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { certificate } from './certificate.mjs';
import { Client, signIn } from './client.mjs';
import { freePort, OWNER, startStack } from './harness.mjs';

const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync'];

describe('over https', { skip: process.env.QUIVER_URL !== undefined }, () => {
	let stack, browser, secure, registered;
	before(async () => {
		const { key, cert } = certificate('localhost');
		const port = await freePort();
		stack = await startStack('nginx', { edit: (conf) => conf.replace(/^\s*listen .*;$/m, (plain) =>
			`${plain}\nlisten 127.0.0.1:${port} ssl;\nssl_certificate ${cert};\nssl_certificate_key ${key};`) });
		secure = `https://localhost:${port}`;
		const client = new Client(stack.url);
		registered = (await client.post('/v1/auth/clients', { name: 'Reports', type: 'public',
			redirect_uris: ['https://app.example/'], grant_types: ['authorization_code'], scopes: ['openid'] },
		{ token: (await signIn(client)).access_token })).json;
		client.close();
		browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
	});
	after(async () => {
		await browser?.close();
		await stack?.stop();
	});

	const authorize = (base) => `${base}/oauth2/authorize?${new URLSearchParams({ client_id: registered.id,
		redirect_uri: 'https://app.example/', response_type: 'code', scope: 'openid', state: 's',
		code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' })}`;

	test('a person signs in by a cookie that no other host and no plain page can set', async () => {
		const context = await browser.newContext({ ignoreHTTPSErrors: true });
		const page = await context.newPage();
		await page.goto(authorize(secure));
		await page.getByLabel('E-mail address').fill(OWNER.email);
		await page.getByLabel('Password').fill(OWNER.password);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByRole('button', { name: 'Allow' }).waitFor();
		const cookies = await context.cookies(secure);
		assert.equal(cookies.length, 1);
		const [{ name, path: where, secure: isSecure, httpOnly, sameSite, domain }] = cookies;
		assert.match(name, /^__Host-/);
		assert.deepEqual([where, isSecure, httpOnly, sameSite, domain], ['/', true, true, 'Lax', 'localhost']);
		await context.close();
	});

	test('what a plain page of the host sets is none', async () => {
		const context = await browser.newContext({ ignoreHTTPSErrors: true });
		const page = await context.newPage();
		await page.goto(authorize(secure));
		const [{ name, value }] = await context.cookies(secure);
		await context.clearCookies();
		await page.goto(`${stack.url.replace('127.0.0.1', 'localhost')}/health`);
		await page.evaluate(([n, v]) => { document.cookie = `${n}=${v}; path=/`; }, [name, value]);
		assert.deepEqual(await context.cookies(), []);
		await context.close();
	});
});
