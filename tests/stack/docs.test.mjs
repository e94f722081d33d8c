// The documentation as a person sees it: both viewers show every operation, under
// their own security policy, with nothing from elsewhere.
// SHOTS: a folder for the screenshots; a temporary one when unset.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Client } from './client.mjs';
import { startStack, temporaryFolder } from './harness.mjs';

const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync'];
const SHOTS = process.env.SHOTS ?? temporaryFolder();

let stack, client, browser, summaries;
before(async () => {
	stack = await startStack('lighttpd');
	client = new Client(stack.url);
	const { paths } = (await client.get('/openapi.json')).json;
	summaries = Object.values(paths).flatMap((item) => Object.values(item).map((o) => o.summary));
	browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
});
after(async () => {
	await browser?.close();
	client?.close();
	await stack?.stop();
});

// A page that keeps what it asked for and what went wrong.
async function open(target) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
	const page = await context.newPage();
	const seen = { requests: [], problems: [] };
	page.on('request', (request) => seen.requests.push(request.url()));
	page.on('requestfailed', (request) => seen.problems.push(`failed: ${request.url()}`));
	page.on('response', (response) => {
		if (response.status() >= 400)
			seen.problems.push(`${response.status()}: ${response.url()}`);
	});
	page.on('console', (message) => {
		if (message.type() === 'error' || message.type() === 'warning')
			seen.problems.push(`console: ${message.text()}`);
	});
	page.on('pageerror', (error) => seen.problems.push(`thrown: ${error.message}`));
	const response = await page.goto(stack.url + target, { waitUntil: 'load' });
	return { page, seen, response, close: () => context.close() };
}

function assertClean(seen, what) {
	assert.deepEqual(seen.problems, [], what);
	const { origin } = new URL(stack.url);
	const elsewhere = seen.requests.filter((url) => !url.startsWith(`${origin}/`) &&
		!url.startsWith('data:') && !url.startsWith(`blob:${origin}/`));
	assert.deepEqual(elsewhere, [], what);
}

async function assertShows(page, texts) {
	// Both viewers draw as they go: each text is waited for.
	for (const text of texts)
		await page.waitForFunction((wanted) =>
			document.body.textContent.replace(/\s+/g, ' ').includes(wanted), text,
			{ timeout: 30000 });
}

describe('the viewers', () => {
	for (const [target, name] of [['/docs', 'Swagger UI'], ['/redoc', 'Redoc']]) {
		test(`${name} shows every operation, with nothing from elsewhere`, async () => {
			const { page, seen, response, close } = await open(target);
			assert.equal(response.status(), 200);
			const policy = response.headers()['content-security-policy'];
			assert.match(policy, /default-src 'none'/);
			assert.match(policy, /frame-ancestors 'none'/);
			assert.doesNotMatch(policy, /https?:|\*|'unsafe-eval'/);
			await assertShows(page, summaries);
			await page.screenshot({ path: path.join(SHOTS, `${name.replace(' ', '-')}.png`) });
			await page.setViewportSize({ width: 390, height: 800 });
			await page.getByText(summaries[0]).locator('visible=true').first().waitFor();
			await page.screenshot({ path: path.join(SHOTS,
				`${name.replace(' ', '-')}-narrow.png`) });
			assertClean(seen, name);
			await close();
		});
	}

	test('Swagger UI calls the API when it is asked to', async () => {
		const { page, seen, close } = await open('/docs');
		const operation = page.locator('.opblock', { hasText: 'Always 200 while the process answers' });
		await operation.locator('button.opblock-summary-control').click();
		await operation.getByRole('button', { name: 'Try it out' }).click();
		await operation.getByRole('button', { name: 'Execute' }).click();
		await operation.locator('.live-responses-table .response-col_status', { hasText: '200' })
			.first().waitFor();
		await page.screenshot({ path: path.join(SHOTS, 'Swagger-UI-tried.png') });
		assert.ok(seen.requests.some((url) => url.endsWith('/health')));
		assertClean(seen, 'Try it out');
		await close();
	});

	test('Redoc finds what is looked for', async () => {
		const { page, seen, close } = await open('/redoc');
		await page.locator('input[placeholder="Search..."]').pressSequentially('Atom');
		await page.locator('[data-role="search:results"]',
			{ hasText: 'The newest posts as Atom' }).waitFor();
		assertClean(seen, 'search');
		await close();
	});
});

describe('what they are made of', () => {
	test('is cached, and not sent again when it is known', async () => {
		for (const target of ['/docs', '/docs/swagger-ui-bundle.js', '/docs/swagger-ui.css',
			'/redoc', '/redoc/redoc.standalone.js']) {
			const first = await client.get(target);
			assert.equal(first.status, 200, target);
			assert.match(first.headers['cache-control'], /^public, max-age=\d+$/);
			const second = await client.get(target,
				{ headers: { 'if-none-match': first.headers.etag } });
			assert.equal(second.status, 304, target);
		}
	});

	test('is nothing but what it lists', async () => {
		for (const target of ['/docs/../../../etc/passwd', '/docs/..%2f..%2fetc%2fpasswd',
			'/docs/%2e%2e/%2e%2e/etc/passwd', '/redoc/swagger-ui.css', '/docs/.',
			'/docs//etc/passwd',
			'/docs/swagger-ui.css%00.js']) {
			const reply = await client.get(target);
			assert.ok(reply.status === 404 || reply.status === 400 || target === '/docs/.',
				`${target}: ${reply.status}`);
			assert.doesNotMatch(reply.text, /root:/);
		}
	});
});
