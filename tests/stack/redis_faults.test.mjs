// Redis that is killed, hangs, is slow, refuses, comes back empty or says no: requests go on within the bound that
// is stated, nobody waits longer than the deadline and that only a few times, the log and a metric name the cause,
// and all of it ends by itself.  And what Redis carries between machines arrives, or the store says it in time.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Client, inParallel, median, policyFile, signIn } from './client.mjs';
import { runHandler, startStack, startStore, temporaryFolder, until } from './harness.mjs';
import { FAULTS, startProxy, startRedis } from './redis.mjs';

const skip = process.env.QUIVER_URL && 'it needs an installation of its own';
const DAY_MS = 86400000;
const BURST = 40, MACHINES = 2, SHARE = BURST / MACHINES;
const FAILURES = 5;                     // in a row until the breaker opens
const PROCESSES = 2, THREADS = 8;
const DEADLINE_MS = 50, BUSY_MS = 100;  // of the setting, and what a machine that does other things may add
const POSTS = '/v1/blog';
const SECRET_KEY = crypto.randomBytes(32).toString('base64');

const policies = policyFile([
	{ name: 'anonymous', limit: BURST, period_ms: DAY_MS },
	{ name: 'user', limit: 1000000, period_ms: 60000 }, { name: 'owner', limit: 1000000, period_ms: 60000 },
	{ name: 'sign-in-address', limit: 1000000, period_ms: 60000, on_failure: 'deny' },
	{ name: 'sign-in-account', limit: 1000000, period_ms: 60000 },
]);
const settings = (url, more = {}) => ({
	REDIS_URL: url, LIMITS: policies, LIMIT_MACHINES: String(MACHINES), TRUSTED_PROXIES: '127.0.0.1', SECRET_KEY,
	REDIS_TIMEOUT_MS: String(DEADLINE_MS), LOG_DELAY_MS: '0', ...more,
});

let clients = 0;
const newAddress = () => `10.${clients >> 16 & 255}.${clients >> 8 & 255}.${clients++ & 255}`;
const from = (address) => ({ headers: { 'x-forwarded-for': address } });
const admitted = (replies) => replies.filter((reply) => reply.status === 200).length;

async function metric(client, name) {
	const { text } = await client.get('/metrics');
	return Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ').at(-1) ?? 0);
}

const calls = (client, outcome) => metric(client, `quiver_redis_total{purpose="limits",outcome="${outcome}"}`);
const isOpen = (client) => metric(client, 'quiver_redis_open{purpose="limits"}');
const decided = (client, by) => metric(client, `quiver_limit_decided_total{by="${by}"}`);
const linesOf = (stack, address) => stack.logLines().filter((line) => line.address === address && line.event === 'request');

// One after the other, until Redis decides again.
async function untilRedisDecides(client, stack) {
	await until('Redis decides again', async () => {
		const address = newAddress();
		const reply = await client.get(POSTS, from(address));
		assert.equal(reply.status, 200);
		await until('its line', () => linesOf(stack, address).length === 1);
		return linesOf(stack, address)[0].limit_degraded === undefined;
	}, 20000);
}

describe('a machine with Redis', { skip }, () => {
	let redis, proxy, stack, client;
	before(async () => {
		redis = await startRedis();
		proxy = await startProxy(redis);
		stack = await startStack('lighttpd', { env: settings(proxy.url), handlers: ['content', 'health'], processes: PROCESSES });
		client = new Client(stack.url);
		await untilRedisDecides(client, stack);
	});
	after(async () => {
		client?.close();
		await stack?.stop();
		await proxy?.close();
		await redis?.stop();
	});

	test('asks it once a request', async () => {
		await proxy.forget();
		for (let i = 0; i < 30; i++)
			assert.equal((await client.get(POSTS, from(newAddress()))).status, 200);
		assert.equal(await proxy.commands(/\r\nEVALSHA\r\n/), 30);
		assert.ok(await proxy.commands(/\r\nEVAL\r\n/) <= 1);
	});

	test('does not ask again for who was refused', async () => {
		const address = newAddress();
		for (let i = 0; i < BURST; i++)
			await client.get(POSTS, from(address));
		assert.equal((await client.get(POSTS, from(address))).status, 429);
		await proxy.forget();
		for (let i = 0; i < 100; i++) {
			const reply = await client.get(POSTS, from(address));
			assert.equal(reply.status, 429);
			assert.ok(Number(reply.headers['retry-after']) > 1000);
		}
		// The other process was told nothing by Redis, and finds it in the shared memory; but for its first look.
		assert.ok(await proxy.commands(/\r\nEVALSHA\r\n/) <= PROCESSES * THREADS);
	});

	// One that fails leaves a good Redis to the next one.
	afterEach(() => proxy?.be('good'));

	for (const [fault, { cause }] of Object.entries(FAULTS)) {
		test(`goes on when Redis is ${fault}, says why, and comes back`, async () => {
			await untilRedisDecides(client, stack);
			const address = newAddress(), pids = stack.pids(), failed = await calls(client, cause);
			await proxy.be(fault);
			const replies = [];
			for (let i = 0; i < 3 * BURST; i++)
				replies.push(await client.get(POSTS, from(address)));
			for (const reply of replies)
				assert.ok(reply.status === 200 || reply.status === 429, `${reply.status}: ${reply.text}`);
			// Not one more than this machine's share: a unit comes back in half an hour.
			assert.equal(admitted(replies), SHARE);

			await until('the lines', () => linesOf(stack, address).length === replies.length);
			const lines = linesOf(stack, address);
			assert.ok(lines.every((line) => line.limit_degraded === true));
			const waited = lines.filter((line) => line.limit_cause !== 'open');
			assert.ok(waited.length >= 1 && waited.length <= FAILURES, `${waited.length} requests asked in vain`);
			// A busy machine may add one of its own.
			const causes = waited.map((line) => line.limit_cause);
			assert.ok(causes.filter((one) => one === cause).length >= waited.length - 1, causes.join());
			assert.ok(causes.every((one) => one === cause || one === 'timeout'), causes.join());
			for (const line of waited)
				assert.ok(line.duration_ms < DEADLINE_MS + BUSY_MS, `${line.duration_ms} ms`);
			const others = lines.filter((line) => line.limit_cause === 'open').map((line) => line.duration_ms);
			assert.ok(median(others) < 2, `${median(others)} ms though nothing is asked`);

			assert.ok(await calls(client, cause) >= failed + FAILURES - 1);
			assert.equal(await isOpen(client), 1);
			assert.ok(stack.logLines().some((line) => line.event === 'redis.down' && [cause, 'timeout'].includes(line.cause)));

			await proxy.be('good');
			await untilRedisDecides(client, stack);
			assert.equal(await isOpen(client), 0);
			assert.ok(stack.logLines().some((line) => line.event === 'redis.back'));
			assert.deepEqual(stack.pids(), pids);
		});
	}

	test('goes on when Redis is killed, and begins anew when it is back, empty', async () => {
		const address = newAddress();
		for (let i = 0; i < BURST; i++)
			assert.equal((await client.get(POSTS, from(address))).status, 200);
		const other = newAddress();
		await redis.kill();
		const replies = await inParallel(3 * BURST, 16, () => client.get(POSTS, from(other)));
		assert.equal(admitted(replies), SHARE);
		await redis.start();
		await untilRedisDecides(client, stack);
		// Its script is gone as well.
		const fresh = newAddress();
		const after = await inParallel(2 * BURST, 16, () => client.get(POSTS, from(fresh)));
		await until('the lines', () => linesOf(stack, fresh).length === after.length);
		// What a busy machine waited too long for was decided without Redis, which may have counted it too.
		const without = linesOf(stack, fresh).filter((line) => line.limit_degraded);
		const byRedis = admitted(after) - without.filter((line) => line.status === 200).length;
		assert.ok(byRedis <= BURST && byRedis >= BURST - without.length, `${byRedis} of ${BURST}, ${without.length} without`);
	});

	test('serves many at once while Redis hangs, each within the deadline', async () => {
		await untilRedisDecides(client, stack);
		await proxy.be('hung');
		const began = Date.now();
		await inParallel(400, 32, () => client.get(POSTS, from(newAddress())));
		const took = Date.now() - began;
		await proxy.be('good');
		assert.ok(took < 2000, `${took} ms`);
		await untilRedisDecides(client, stack);
	});
});

describe('two machines', { skip }, () => {
	let redis, proxy, stacks, pair;
	before(async () => {
		redis = await startRedis();
		proxy = await startProxy(redis);
		const store = `sqlite:${path.join(temporaryFolder(), 'quiver.db')}`;
		// What is counted here must not depend on what else runs.
		const env = settings(proxy.url, { STORE: store, REDIS_TIMEOUT_MS: '500' });
		stacks = [];
		for (let i = 0; i < MACHINES; i++)
			stacks.push(await startStack('lighttpd', { env, handlers: ['auth', 'content', 'health'], processes: PROCESSES }));
		pair = stacks.map((stack) => new Client(stack.url));
		for (let i = 0; i < MACHINES; i++)
			await untilRedisDecides(pair[i], stacks[i]);
	});
	after(async () => {
		pair?.forEach((client) => client.close());
		for (const stack of stacks ?? [])
			await stack.stop();
		await proxy?.close();
		await redis?.stop();
	});

	test('admit to the last unit together and no further', async () => {
		const address = newAddress();
		const replies = await inParallel(4 * BURST, 16, (i) => pair[i % MACHINES].get(POSTS, from(address)));
		assert.equal(admitted(replies), BURST);
		const left = replies.filter((reply) => reply.status === 200)
			.map((reply) => Number(reply.headers['x-ratelimit-remaining']));
		assert.deepEqual(left.sort((a, b) => a - b), Array.from({ length: BURST }, (_, i) => i));
	});

	const me = (client, token) => client.get('/v1/auth/me', { token });
	async function signedInOnBoth() {
		const { access_token: token } = await signIn(pair[0]);
		for (const client of pair)
			assert.equal((await me(client, token)).status, 200);
		return token;
	}

	test('know at once when a session ended on the other', async () => {
		const token = await signedInOnBoth();
		assert.equal((await pair[0].post('/v1/auth/logout', {}, { token })).status, 204);
		await until('the other machine refuses the token', async () => (await me(pair[1], token)).status === 401, 1000);
	});

	test('know it within five seconds when Redis is dead, and say that it is', async () => {
		const token = await signedInOnBoth();
		const redisOf = async () => (await pair[1].get('/health/detailed', { token })).json.dependencies
			.find((one) => one.name === 'redis');
		assert.equal((await redisOf()).status, 'up');
		await proxy.be('refusing');
		try {
			assert.equal((await redisOf()).status, 'degraded');
			assert.equal((await pair[1].get('/ready')).status, 200);
			assert.equal((await pair[0].post('/v1/auth/logout', {}, { token })).status, 204);
			await until('the other machine refuses the token', async () => (await me(pair[1], token)).status === 401, 5000);
		} finally {
			await proxy.be('good');
		}
		await untilRedisDecides(pair[0], stacks[0]);
	});

	test('cut off from Redis give what they share and no more', async () => {
		await proxy.be('refusing');
		try {
			const address = newAddress();
			const replies = await inParallel(4 * BURST, 16, (i) => pair[i % MACHINES].get(POSTS, from(address)));
			assert.equal(admitted(replies), MACHINES * SHARE);
			// A policy that denies.
			const reply = await pair[0].post('/v1/auth/login', { email: 'a@example.org', password: 'wrong password' });
			assert.equal(reply.status, 429, reply.text);
			assert.equal(reply.headers['retry-after'], '1');
		} finally {
			await proxy.be('good');
		}
		await untilRedisDecides(pair[0], stacks[0]);
		assert.ok(await decided(pair[0], 'deny') > 0);
	});
});

describe('two machines on one DynamoDB table', { skip }, () => {
	let stacks, pair;
	before(async () => {
		const env = { ...startStore(), STORE: 'dynamodb:two-machines', SECRET_KEY };
		const { code, stderr } = runHandler('content', ['--create-table'], env);
		assert.equal(code, 0, stderr);
		stacks = [];
		for (let i = 0; i < MACHINES; i++)
			stacks.push(await startStack('lighttpd', { env, handlers: ['auth', 'health'] }));
		pair = stacks.map((stack) => new Client(stack.url));
	});
	after(async () => {
		pair?.forEach((client) => client.close());
		for (const stack of stacks ?? [])
			await stack.stop();
	});

	test('know without Redis, within five seconds, when a session ended on the other', async () => {
		const { access_token: token } = await signIn(pair[0]);
		const me = (client) => client.get('/v1/auth/me', { token });
		for (const client of pair)
			assert.equal((await me(client)).status, 200);
		assert.equal((await pair[0].post('/v1/auth/logout', {}, { token })).status, 204);
		await until('the other machine refuses the token', async () => (await me(pair[1])).status === 401, 5000);
	});
});
