// What handlers do when the disk under SQLite is full, read-only or broken: reads go on, writes are refused
// in time with a reason, nothing acknowledged is lost, nothing happens twice, and all of it ends by itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Client, signIn } from './client.mjs';
import { Faults } from './faults.mjs';
import { OWNER, startStack, until } from './harness.mjs';

const WRITERS = 6;
const WRONG_MS = 1000;                  // how long the disk is bad
const DEADLINE_MS = 7000;               // of a request: the store's own is 5 s
const DISKS = {
	full: { cause: 'disk_full', says: /the disk is full/, ready: 200, state: 'degraded' },
	'read-only': { cause: 'read_only', says: /read-only/, ready: 503, state: 'down' },
	broken: { cause: 'io', says: /the disk fails/, ready: 200, state: 'up' },
	unsafe: { cause: 'io', says: /the disk fails/, ready: 200, state: 'up' },
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const skip = process.env.QUIVER_URL && 'it needs an installation of its own';

// A metric's value; 0 when there is none.
async function metric(client, name) {
	const { text } = await client.get('/metrics');
	return Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ').at(-1) ?? 0);
}

const failures = (client, cause) => metric(client, `quiver_store_failures_total{engine="sqlite",cause="${cause}"}`);

function assertRefusedInTime(reply, ms) {
	assert.equal(reply.status, 503, reply.text);
	assert.equal(reply.headers['content-type'], 'application/problem+json');
	assert.equal(reply.json.type, '/problems/storage');
	assert.match(reply.headers['retry-after'], /^[1-9]\d*$/);
	assert.ok(ms < DEADLINE_MS, `${ms} ms`);
}

// Creates one post after the other, each until it is there, with one key each.
class Writer {
	constructor(client, token, name, site) {
		Object.assign(this, { client, token, name, site, made: [], refused: 0 });
	}

	async create(title) {
		const headers = { 'idempotency-key': crypto.randomUUID() };
		for (;;) {
			const began = Date.now();
			const reply = await this.client.post('/v1/blog', { title }, { token: this.token, headers });
			if (reply.status === 201)
				return this.made.push(reply.json);
			// The marker of a try that was refused could not be taken away: its lease ends.
			if (reply.status !== 409)
				assertRefusedInTime(reply, Date.now() - began);
			this.refused++;
			await sleep(20);
		}
	}

	async work() {
		for (let i = 0; !this.site.done; i++)
			await this.create(`${this.name} ${i}`);
	}
}

async function listAll(client, token) {
	const items = [];
	for (let cursor = ''; cursor !== null;) {
		const reply = await client.get(`/v1/blog?status=all&limit=100${cursor && `&cursor=${cursor}`}`, { token });
		assert.equal(reply.status, 200, reply.text);
		items.push(...reply.json.items);
		cursor = reply.json.next_cursor;
	}
	return items;
}

for (const [name, { cause, says, ready, state }] of Object.entries(DISKS)) {
	describe(`a disk that is ${name}`, { skip }, () => {
		const faults = new Faults();
		const site = { done: false };
		let stack, client, token, writers, pids, asked;

		before(async () => {
			stack = await startStack('lighttpd', { env: faults.env, processes: 2 });
			client = new Client(stack.url);
			({ access_token: token } = await signIn(client));
			pids = stack.pids();
			writers = Array.from({ length: WRITERS }, (_, i) => new Writer(client, token, `${name} ${i}`, site));
			const working = Promise.all(writers.map((writer) => writer.work()));
			await until('all of them write', () => writers.every(({ made }) => made.length > 2));
			faults.disk = name;
			asked = await askMeanwhile();
			faults.disk = 'good';
			await until('all of them write again', () => { const n = writers.map(({ made }) => made.length);
				return new Promise((resolve) => setTimeout(() =>
					resolve(writers.every(({ made }, i) => made.length > n[i])), 200)); }, 60000);
			site.done = true;
			await working;
		});
		after(async () => {
			site.done = true;
			client?.close();
			await stack?.stop();
		});

		// What others see while it is so.
		async function askMeanwhile() {
			const until_ms = Date.now() + WRONG_MS;
			const kept = writers[0].made[0];
			const found = { reads: [], ready: await client.get('/ready') };
			const began = Date.now();
			found.signIn = await client.post('/v1/auth/login', OWNER);
			found.signInMs = Date.now() - began;
			found.health = await client.get('/health/detailed', { token });
			while (Date.now() < until_ms) {
				found.reads.push(await client.get(`/v1/blog/${kept.id}`, { token }));
				await sleep(50);
			}
			return found;
		}

		test('refuses writes in time, with Retry-After and a reason', () => {
			assert.ok(writers.every(({ refused }) => refused > 0), 'nobody was refused: the test tested nothing');
			assertRefusedInTime(asked.signIn, asked.signInMs);
		});

		test('still reads', () => {
			for (const reply of asked.reads)
				assert.equal(reply.status, 200, reply.text);
		});

		test('says so where an operator looks', async () => {
			const lines = stack.logLines().filter(({ event, level }) => event === 'store' && level === 'error');
			assert.ok(lines.some(({ message }) => says.test(message)), JSON.stringify(lines[0]));
			assert.ok(await failures(client, cause) > 0);
			assert.equal(asked.ready.status, ready, asked.ready.text);
			const { status } = asked.health.json.dependencies.find((one) => one.name === 'state_dir');
			assert.equal(status, state, asked.health.text);
		});

		test('loses nothing that was acknowledged, and makes nothing twice', async () => {
			const made = writers.flatMap((writer) => writer.made);
			const there = await listAll(client, token);
			assert.deepEqual(there.map(({ id }) => id).sort(), made.map(({ id }) => id).sort());
			assert.equal(new Set(there.map(({ title }) => title)).size, there.length);
			const { stdout, stderr } = spawnSync('sqlite3', ['-readonly', '-cmd', '.timeout 20000',
				`${stack.state}/quiver.db`, 'PRAGMA integrity_check'], { encoding: 'utf8' });
			assert.equal(stdout.trim(), 'ok', stderr);
		});

		test('is over without a restart', async () => {
			assert.deepEqual(stack.pids(), pids);
			assert.equal((await client.get('/ready')).status, 200);
			await signIn(client);
		});
	});
}

describe('a handler that dies on a full disk', { skip }, () => {
	test('comes back with all that was acknowledged when there is room again', async () => {
		const faults = new Faults();
		const stack = await startStack('lighttpd', { env: faults.env });
		const client = new Client(stack.url);
		try {
			const { access_token: token } = await signIn(client);
			const made = [];
			for (let i = 0; i < 20; i++)
				made.push((await client.post('/v1/blog', { title: `Post ${i}` }, { token })).json);
			faults.disk = 'full';
			assertRefusedInTime(await client.post('/v1/blog', { title: 'No room' }, { token }), 0);
			for (const pid of Object.values(stack.pids()).flat())
				process.kill(pid, 'SIGKILL');
			await sleep(1500);
			faults.disk = 'good';
			await until('it writes again', async () =>
				(await client.post('/v1/blog', { title: 'Again' }, { token })).status === 201, 60000);
			for (const { id, title } of made)
				assert.equal((await client.get(`/v1/blog/${id}`, { token })).json.title, title);
			assert.ok(!(await listAll(client, token)).some(({ title }) => title === 'No room'));
		} finally {
			client.close();
			await stack.stop();
		}
	});
});
