// Limits hold across processes and handlers, say what they do, and take the client's
// address from nobody who is not trusted with it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, inParallel, median, policyFile, signIn } from './client.mjs';
import { OWNER, startStack, until } from './harness.mjs';

const DAY_MS = 86400000;
const PROCESSES = 4, CLIENTS = 64;
const POSTS = '/v1/blog', KEYS = '/.well-known/jwks.json';

const trusting = (policies) =>
	({ LIMITS: policyFile(policies), TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' });
const from = (address) => ({ headers: { 'x-forwarded-for': address } });
const admitted = (replies) => replies.filter((reply) => reply.status === 200).length;

function assertLimited(reply) {
	assert.ok(reply.status === 200 || reply.status === 429, `${reply.status}: ${reply.text}`);
}

async function withStack(env, work, options = {}) {
	const stack = await startStack('lighttpd', { env, ...options });
	const client = new Client(stack.url);
	try {
		return await work(client, stack);
	} finally {
		client.close();
		await stack.stop();
	}
}

describe(`${PROCESSES} processes and ${CLIENTS} clients`, () => {
	const slow = [
		{ name: 'anonymous', limit: 500, period_ms: DAY_MS },
	];
	let stack, client;
	before(async () => {
		stack = await startStack('lighttpd', { env: trusting(slow), processes: PROCESSES });
		client = new Client(stack.url, { sockets: CLIENTS });
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});

	test('are admitted to the last unit and no further', async () => {
		const replies = await inParallel(2000, CLIENTS, () => client.get(POSTS, from('192.0.2.1')));
		replies.forEach(assertLimited);
		assert.equal(admitted(replies), 500);
		const left = replies.filter((reply) => reply.status === 200)
			.map((reply) => Number(reply.headers['x-ratelimit-remaining']));
		assert.deepEqual(left.sort((a, b) => a - b), Array.from({ length: 500 }, (_, i) => i));

		const pids = new Set(stack.logLines().filter((line) => line.route === POSTS)
			.map((line) => line.pid));
		assert.equal(pids.size, PROCESSES, 'not every process had a part in it');
	});

	test('share one budget over all handlers', async () => {
		const replies = await inParallel(1200, CLIENTS,
			(i) => client.get(i % 2 ? POSTS : KEYS, from('192.0.2.2')));
		replies.forEach(assertLimited);
		assert.equal(admitted(replies), 500);
	});

	test('have a budget each', async () => {
		for (const address of ['192.0.2.3', '192.0.2.4', '2001:db8:3::1'])
			assert.equal((await client.get(POSTS, from(address))).status, 200, address);
	});

	test('are one client when they share an IPv6 network', async () => {
		const replies = await inParallel(700, CLIENTS,
			(i) => client.get(POSTS, from(`2001:db8:9:9::${(i + 1).toString(16)}`)));
		assert.equal(admitted(replies), 500);
	});
});

describe('over time', () => {
	const RATE = 100, BURST = 200, RUN_MS = 3000;
	const policies = [{ name: 'anonymous', limit: RATE, period_ms: 1000, burst: BURST }];

	test(`${CLIENTS} clients get burst and rate × time, at most one fewer a process`, () =>
		withStack(trusting(policies), async (client) => {
			let count = 0, refused = 0, firstReply = Infinity, lastSend = 0;
			const began = performance.now();
			await Promise.all(Array.from({ length: CLIENTS }, async () => {
				while (performance.now() - began < RUN_MS) {
					lastSend = performance.now();
					const reply = await client.get(POSTS, from('192.0.2.1'));
					firstReply = Math.min(firstReply, performance.now());
					assertLimited(reply);
					reply.status === 200 ? count++ : refused++;
				}
			}));
			const ended = performance.now();
			// The server's clock began within [began, firstReply] and ended after lastSend.
			const most = BURST + Math.ceil((ended - began) / 1000 * RATE);
			const fewest = BURST + Math.floor((lastSend - firstReply) / 1000 * RATE) - PROCESSES;
			assert.ok(count <= most, `${count} admitted, ${most} allowed`);
			assert.ok(count >= fewest, `${count} admitted, ${fewest} due`);
			assert.ok(refused > count, `only ${refused} refused: no contention`);
		}, { processes: PROCESSES }));

	test('the sliding window admits its limit and no more', () =>
		withStack(trusting([
			{ name: 'anonymous', limit: 300, period_ms: DAY_MS, algorithm: 'window' },
		]), async (client) => {
			const replies = await inParallel(900, CLIENTS,
				() => client.get(POSTS, from('192.0.2.1')));
			replies.forEach(assertLimited);
			assert.equal(admitted(replies), 300);
		}, { processes: PROCESSES }));

	test('Retry-After is when it is time', () =>
		withStack(trusting([{ name: 'anonymous', limit: 1, period_ms: 2000 }]), async (client) => {
			assert.equal((await client.get(POSTS)).status, 200);
			const began = Date.now();
			const reply = await client.get(POSTS);
			assert.equal(reply.status, 429);
			const wait = Number(reply.headers['retry-after']);
			assert.ok(wait === 1 || wait === 2, `${wait}`);
			let asked = 0;
			await until('the next one is admitted', async () => {
				asked++;
				return (await client.get(POSTS)).status === 200;
			});
			const waited = (Date.now() - began) / 1000;
			assert.ok(waited > wait - 1 - 0.1 && waited < wait + 0.5, `${waited} s`);
			assert.ok(asked > 10, 'being refused must not put it off');
		}));
});

describe('a refused request', () => {
	const policies = [
		{ name: 'anonymous', limit: 1000, period_ms: DAY_MS },
		{ name: 'sign-in-address', limit: 3, period_ms: DAY_MS },
		{ name: 'sign-in-account', limit: 1000, period_ms: DAY_MS },
	];

	test('takes from no policy when one refuses', () =>
		withStack(trusting(policies), async (client) => {
			const statuses = [];
			for (let i = 0; i < 10; i++)
				statuses.push((await client.post('/v1/auth/login',
					{ email: `a${i}@example.org`, password: 'is not it' })).status);
			assert.deepEqual(statuses, [...Array(3).fill(401), ...Array(7).fill(429)]);
			const reply = await client.get(KEYS);
			assert.equal(reply.headers['x-ratelimit-remaining'], String(1000 - 3 - 1));
		}));

	test('does no work: neither its body nor a password counts', () =>
		withStack(trusting(policies), async (client) => {
			const login = (body) => client.request('POST', '/v1/auth/login',
				{ body, type: 'application/json' });
			const timed = async (body) => {
				const began = performance.now();
				const reply = await login(body);
				return { status: reply.status, ms: performance.now() - began };
			};
			const good = JSON.stringify({ email: 'nobody@example.org', password: 'is not it' });
			const worked = [], refused = [];
			for (let i = 0; i < 3; i++)
				worked.push(await timed(good));
			for (let i = 0; i < 20; i++)
				refused.push(await timed(i % 2 ? good : '{"no JSON'));
			assert.deepEqual(worked.map((r) => r.status), [401, 401, 401]);
			assert.deepEqual(refused.map((r) => r.status), Array(20).fill(429));
			assert.ok(median(refused.map((r) => r.ms)) < median(worked.map((r) => r.ms)) / 2,
				'refusing took as long as hashing a password');
		}));
});

describe('replies', () => {
	test('say the policy, what is left and when it is full again', () =>
		withStack(trusting([
			{ name: 'anonymous', limit: 3, period_ms: 3600000 },
			{ name: 'owner', limit: 100, period_ms: 1000, burst: 1000 },
		]), async (client) => {
			const headers = (reply) => ['ratelimit-policy', 'ratelimit', 'x-ratelimit-limit',
				'x-ratelimit-remaining', 'x-ratelimit-reset', 'retry-after']
				.map((name) => reply.headers[name]);

			assert.deepEqual(headers(await client.get(POSTS)),
				['"anonymous";q=3;w=3600', '"anonymous";r=2;t=1200', '3', '2', '1200',
					undefined]);
			await client.get(POSTS);
			await client.get(POSTS);
			const refused = await client.get(POSTS);
			assert.equal(refused.status, 429);
			assert.equal(refused.headers['content-type'], 'application/problem+json');
			assert.equal(refused.json.type, '/problems/rate-limited');
			const [policy, limit, ...rest] = headers(refused);
			assert.equal(policy, '"anonymous";q=3;w=3600');
			assert.match(limit, /^"anonymous";r=0;t=(3600|359\d)$/);
			assert.equal(rest[1], '0');
			assert.match(rest[3], /^(1200|119\d)$/);

			// Elsewhere than at home: the owner's own budget, whatever the address has left.
			const { access_token: token } = await signIn(
				new Client(client.base, from('192.0.2.7')), OWNER);
			const create = await client.post(POSTS, { title: 'It costs five' }, { token });
			assert.equal(create.status, 201, create.text);
			// A burst of 1000 at 100 a second is 1000 in 10 s.
			assert.equal(create.headers['ratelimit-policy'], '"owner";q=1000;w=10');
			assert.equal(create.headers['x-ratelimit-remaining'], '995');
		}));

	test('of health and docs are exempt', () =>
		withStack(trusting([{ name: 'anonymous', limit: 1, period_ms: DAY_MS }]), async (client) => {
			const paths = ['/health', '/live', '/ready', '/metrics', '/', '/openapi.json', '/docs',
				'/redoc', '/problems/rate-limited'];
			for (let round = 0; round < 5; round++) {
				for (const path of paths) {
					const reply = await client.get(path);
					assert.equal(reply.status, 200, path);
					assert.equal(reply.headers['ratelimit'], undefined, path);
				}
			}
			assert.equal((await client.get(POSTS)).status, 200, 'they took nothing');
			assert.equal((await client.get(POSTS)).status, 429);
		}));

	test('of a monitor that signs in are exempt', () =>
		withStack(trusting([{ name: 'owner', limit: 1, period_ms: DAY_MS }]), async (client) => {
			const { access_token: token } = await signIn(client);
			for (let round = 0; round < 5; round++) {
				const reply = await client.get('/health/detailed', { token });
				assert.equal(reply.status, 200, reply.text);
				assert.equal(reply.headers['ratelimit'], undefined);
			}
			assert.equal((await client.get(POSTS, { token })).status, 200, 'they took nothing');
			assert.equal((await client.get(POSTS, { token })).status, 429);
		}));

	test('of a dry run are counted and never refused', () =>
		withStack(trusting([
			{ name: 'anonymous', limit: 1, period_ms: DAY_MS, dry_run: true },
		]), async (client) => {
			for (let i = 0; i < 10; i++)
				assert.equal((await client.get(POSTS)).status, 200);
			const metrics = (await client.get('/metrics')).text;
			assert.match(metrics,
				/^quiver_[a-z_]*limit[a-z_]*\{[^}]*policy="anonymous"[^}]*"dry_run"[^}]*\} 9$/m);
		}));
});

describe('the client’s address', () => {
	const once = [{ name: 'anonymous', limit: 1, period_ms: DAY_MS }];
	const claims = (address) => [
		{ 'x-forwarded-for': address }, { forwarded: `for="${address}"` }, { 'x-real-ip': address },
		{ 'client-ip': address }, { 'true-client-ip': address }, { 'cf-connecting-ip': address },
	];

	test('is the peer’s, whatever it claims, when it is not trusted', () =>
		withStack({ LIMITS: policyFile(once) }, async (client) => {
			assert.equal((await client.get(POSTS)).status, 200);
			for (const headers of claims('192.0.2.1'))
				assert.equal((await client.get(POSTS, { headers })).status, 429,
					JSON.stringify(headers));
		}));

	test('is not the peer’s word alone when it only looks trusted', () =>
		withStack({ LIMITS: policyFile(once), TRUSTED_PROXIES: '192.0.2.0/24' },
			async (client) => {
				assert.equal((await client.get(POSTS)).status, 200);
				for (const address of ['192.0.2.1', '198.51.100.1'])
					assert.equal((await client.get(POSTS, from(address))).status, 429,
						address);
			}));

	test('is what a trusted proxy says, from the right', () =>
		withStack(trusting(once), async (client) => {
			const rows = [
				[{ 'x-forwarded-for': '198.51.100.1' }, 200],
				[{ 'x-forwarded-for': '198.51.100.1' }, 429],
				// Whatever a client put there itself stands to the left.
				[{ 'x-forwarded-for': '203.0.113.77, 198.51.100.1' }, 429],
				[{ 'x-forwarded-for': '198.51.100.2, 198.51.100.1' }, 429],
				// Trusted hops on the way are passed over.
				[{ 'x-forwarded-for': '198.51.100.1, 10.1.2.3' }, 429],
				[{ 'x-forwarded-for': '198.51.100.3, 10.1.2.3, 10.9.9.9' }, 200],
				[{ 'x-forwarded-for': '198.51.100.1,10.1.2.3,10.9.9.9' }, 429],
				[{ 'x-forwarded-for': '::ffff:198.51.100.1' }, 429],
				[{ 'x-forwarded-for': '198.51.100.1:4711' }, 429],
				[{ forwarded: 'for=198.51.100.4;proto=https;by=10.0.0.1' }, 200],
				[{ forwarded: 'For="198.51.100.4:99"' }, 429],
				[{ forwarded: 'for="[2001:db8:cafe::17]:4711"' }, 200],
				[{ forwarded: 'for="[2001:db8:cafe::18]"' }, 429],
			];
			for (const [headers, status] of rows)
				assert.equal((await client.get(POSTS, { headers })).status, status,
					JSON.stringify(headers));
		}));
});
