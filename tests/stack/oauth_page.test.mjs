// The OAuth server's pages as a person meets them, in a browser with its security
// policies, behind every web server: sign in, allow, and arrive at the application.
// SHOTS: a folder for the screenshots; a temporary one when unset.
import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import * as openid from 'openid-client';
import { Client, signIn } from './client.mjs';
import { OWNER, SERVERS, startStack, temporaryFolder } from './harness.mjs';
import { fixedAddress } from './oauth_browser.mjs';

const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync'];
const SHOTS = process.env.SHOTS ?? temporaryFolder();

for (const kind of SERVERS) describe(`the pages behind ${kind}`, () => {
	let stack, address, browser, application, callback, arrived, registered, config;
	before(async () => {
		address = await fixedAddress();
		stack = await startStack(kind, { env: { PUBLIC_URL: address.url } });
		address.to(stack.url);
		// The application, on an origin of its own.
		application = http.createServer((request, response) => {
			if (request.url.startsWith('/callback?'))
				arrived = request.url;
			response.setHeader('content-type', 'text/html');
			response.end('<title>Arrived</title>');
		});
		await new Promise((resolve) => { application.listen(0, '127.0.0.1', resolve); });
		callback = `http://localhost:${application.address().port}/callback`;
		const client = new Client(stack.url);
		const { access_token: token } = await signIn(client);
		const made = await client.post('/v1/auth/clients', { name: 'Quarterly Reports', type: 'confidential',
			redirect_uris: [callback], grant_types: ['authorization_code', 'refresh_token'],
			scopes: ['openid', 'email', 'profile', 'offline_access', 'content:read', 'content:write'] }, { token });
		assert.equal(made.status, 201, made.text);
		registered = made.json;
		client.close();
		config = await openid.discovery(new URL(address.url), registered.id, undefined,
			openid.ClientSecretBasic(registered.secret), { execute: [openid.allowInsecureRequests] });
		browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
	});
	after(async () => {
		await browser?.close();
		application?.close();
		application?.closeAllConnections();
		address?.close();
		await stack?.stop();
	});

	test('a person signs in, allows, and arrives; the browser blocks nothing on the way', async () => {
		const verifier = openid.randomPKCECodeVerifier();
		const url = openid.buildAuthorizationUrl(config, { redirect_uri: callback, state: 'here & there',
			scope: 'openid email profile offline_access content:write',
			code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' });
		for (const scheme of ['light', 'dark']) {
			const context = await browser.newContext({ viewport: { width: 900, height: 760 }, colorScheme: scheme });
			const page = await context.newPage();
			const problems = [];
			page.on('console', (message) => problems.push(message.text()));
			page.on('pageerror', (error) => problems.push(error.message));
			await page.goto(`${url}&prompt=consent`);
			await page.getByLabel('E-mail address').fill(OWNER.email);
			await page.getByLabel('Password').fill('not the right one');
			await page.getByRole('button', { name: 'Sign in' }).click();
			await page.getByRole('alert').waitFor();
			await page.screenshot({ path: path.join(SHOTS, `oauth-sign-in-${kind}-${scheme}.png`) });
			await page.getByLabel('Password').fill(OWNER.password);
			await page.getByRole('button', { name: 'Sign in' }).click();
			await page.getByRole('button', { name: 'Allow' }).waitFor();
			assert.match(await page.locator('main').innerText(), /Quarterly Reports[\s\S]*See your e-mail address[\s\S]*publish/);
			await page.screenshot({ path: path.join(SHOTS, `oauth-consent-${kind}-${scheme}.png`) });
			arrived = undefined;
			await page.getByRole('button', { name: 'Allow' }).click();
			await page.waitForURL(`${callback}?**`);
			assert.equal(await page.title(), 'Arrived');
			// A page that is refused is said by Chromium to be one; that was the wrong password.
			assert.deepEqual(problems.filter((text) => !/status of 401/.test(text)), []);
			const tokens = await openid.authorizationCodeGrant(config, new URL(arrived, callback),
				{ pkceCodeVerifier: verifier, expectedState: 'here & there', idTokenExpected: true });
			assert.equal(tokens.claims().email, OWNER.email);
			await context.close();
		}
	});

	test('no other page can frame the consent page', async () => {
		const page = await browser.newPage();
		const url = openid.buildAuthorizationUrl(config, { redirect_uri: callback, code_challenge: 'A'.repeat(43),
			code_challenge_method: 'S256' });
		await page.goto(callback);
		await page.setContent(`<iframe src="${url.href.replaceAll('&', '&amp;')}"></iframe>`);
		await page.waitForLoadState('networkidle');
		const [, frame] = page.frames();
		assert.equal(await frame.locator('form').count(), 0);
		await page.close();
	});
});
