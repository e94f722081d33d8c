// Memory and descriptors stay flat: 1,000 idle connections, 20,000 requests.
// REQUESTS: how many.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { Client, connect, inParallel, signIn } from './client.mjs';
import { descriptorsOf, startStack, until } from './harness.mjs';

const REQUESTS = Number(process.env.REQUESTS ?? 20000);
const IDLE = 1000, CLIENTS = 32;
const KEEP_ALIVE_MS = 4000;     // a web server closes what is idle for longer
const GROWTH_MAX_KIB = 2048;    // over a warm process: what an allocator may still round up

let stack, client, token, targets;
before(async () => {
	stack = await startStack('lighttpd', { env: { LOG_SAMPLE: '0.01' } });
	client = new Client(stack.url, { sockets: CLIENTS });
	({ access_token: token } = await signIn(client));
	const posts = [];
	for (let i = 0; i < 50; i++) {
		const { json } = await client.post('/v1/blog',
			{ title: `Post ${i}`, body: '# Text\n\n'.repeat(100) }, { token });
		posts.push(json);
		await client.post(`/v1/blog/${json.id}/publish`, {}, { token });
	}
	targets = [
		(i) => ({ method: 'GET', path: `/v1/blog/${posts[i % posts.length].slug}` }),
		() => ({ method: 'GET', path: '/v1/blog' }),
		() => ({ method: 'GET', path: '/v1/blog?q=text&limit=5' }),
		(i) => ({ method: 'GET', path: `/v1/blog/${posts[i % posts.length].id}?format=html`, token }),
		() => ({ method: 'GET', path: '/v1/auth/me', token }),
		() => ({ method: 'GET', path: '/feed.xml' }),
		(i) => ({ method: 'GET', path: `/v1/none/${i}` }),
		() => ({ method: 'POST', path: '/v1/blog', token, type: 'application/json',
			body: '{"wings":2,"title":5}' }),
		() => ({ method: 'GET', path: '/health' }),
		() => ({ method: 'GET', path: '/openapi.json' }),
	];
});
after(async () => {
	client?.close();
	await stack?.stop();
});

const residentKib = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

// { 'content 123': [KiB, descriptors] } of every handler process.
function usage() {
	return Object.fromEntries(Object.entries(stack.pids()).flatMap(([name, pids]) =>
		pids.map((pid) => [`${name} ${pid}`, [residentKib(pid), descriptorsOf(pid)]])));
}

async function load(count) {
	const statuses = new Set();
	await inParallel(count, CLIENTS, async (i) => {
		const { method, path, ...options } = targets[i % targets.length](i);
		statuses.add((await client.request(method, path, options)).status);
	});
	assert.deepEqual([...statuses].sort(), [200, 404, 422]);
}

test(`${REQUESTS} requests leave no memory and no descriptor behind`, async (t) => {
	await load(Math.max(3000, REQUESTS / 5));
	const before = usage();
	await load(REQUESTS);
	const now = usage();
	assert.deepEqual(Object.keys(now), Object.keys(before), 'the same processes');
	for (const [name, [kib, descriptors]] of Object.entries(now)) {
		t.diagnostic(`${name}: ${before[name][0]} KiB became ${kib}, ${descriptors} descriptors`);
		assert.ok(kib - before[name][0] < GROWTH_MAX_KIB,
			`${name}: ${before[name][0]} KiB became ${kib}`);
		assert.ok(descriptors <= before[name][1] + CLIENTS, `${name}: ${descriptors} descriptors`);
	}
});

test(`${IDLE} idle connections keep nobody waiting and cost the handlers nothing`, async () => {
	const before = usage();
	const request = 'GET /v1/blog?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n';
	const answered = (heard, times) =>
		(heard.bytes.toString('latin1').match(/HTTP\/1\.1 200 /g) ?? []).length === times;
	const idle = await inParallel(IDLE, 50, async () => {
		const connection = connect(stack.url);
		await connection.ready;
		connection.socket.write(request);
		await until('an idle connection’s first reply', () => answered(connection.heard, 1));
		return connection;
	});
	try {
		const began = performance.now();
		await load(1000);
		assert.ok(performance.now() - began < 10000, 'others are served');
		const open = idle.filter(({ heard }) => !heard.closed);
		assert.ok(open.length === IDLE || performance.now() - began > KEEP_ALIVE_MS,
			`${open.length} left`);
		for (const [name, [kib]] of Object.entries(usage()))
			assert.ok(kib - before[name][0] < GROWTH_MAX_KIB,
				`${name}: ${before[name][0]} KiB became ${kib}`);
		open.forEach(({ socket }) => socket.write(request));
		await until('every one is answered again', () =>
			open.every(({ heard }) => heard.closed || answered(heard, 2)), 30000);
	} finally {
		idle.forEach(({ socket }) => socket.destroy());
	}
	await until('descriptors are back', () => Object.entries(usage())
		.every(([name, [, descriptors]]) => descriptors <= before[name][1] + CLIENTS));
});
