// What holds when the clock of a machine is set back an hour under handlers that run: nobody waits for that hour,
// nothing counts twice, and what was made before is there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Client, policyFile, signIn, totpCode } from './client.mjs';
import { Faults } from './faults.mjs';
import { OWNER, startStack, until } from './harness.mjs';

const HOUR_MS = 3600000;
const STEP_MS = 30000;
const STEPS_BACK = -HOUR_MS / STEP_MS;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What was left to a caller is not known any more after the clock was set back: it is refused once, and earns
// from then on.  With these limits that takes a moment.
class Patient extends Client {
	async request(...args) {
		let reply;
		for (let tries = 0; tries < 20 && (reply === undefined || reply.status === 429); tries++)
			reply = await super.request(...args);
		return reply;
	}
}

describe('a clock that is set back an hour', { skip: process.env.QUIVER_URL && 'it needs an installation of its own' }, () => {
	let faults, stack, client, token, pids;

	// Each on an installation of its own: time goes back once in it.
	async function start(env = {}, Kind = Patient) {
		faults = new Faults();
		stack = await startStack('lighttpd', { env: { ...faults.env, ...env } });
		pids = stack.pids();
		client = new Kind(stack.url);
		({ access_token: token } = await signIn(client));
	}
	const setBack = () => { faults.clockMs = -HOUR_MS; };

	async function stop() {
		client.close();
		assert.deepEqual(stack.pids(), pids, 'no handler ended');
		await stack.stop();
	}

	async function inside(work, env, Kind) {
		await start(env, Kind);
		try {
			await work();
		} finally {
			await stop();
		}
	}

	test('ends no session: its refresh token gives tokens that are good at once', () => inside(async () => {
		const { refresh_token: refresh } = await signIn(client);
		setBack();
		// The old access token is one of the future, which a client takes for one that has ended.
		assert.equal((await client.get('/v1/auth/me', { token })).status, 401);
		const reply = await client.post('/v1/auth/refresh', { refresh_token: refresh });
		assert.equal(reply.status, 200, reply.text);
		assert.equal((await client.get('/v1/auth/me', { token: reply.json.access_token })).status, 200);
		assert.equal((await client.get('/v1/auth/me', { token: (await signIn(client)).access_token })).status, 200);
	}));

	test('gives a thief of a spent refresh token no time', () => inside(async () => {
		const { refresh_token: spent } = await signIn(client);
		const first = await client.post('/v1/auth/refresh', { refresh_token: spent });
		assert.equal(first.status, 200);
		setBack();
		assert.equal((await client.post('/v1/auth/refresh', { refresh_token: spent })).status, 401);
		const heir = await client.post('/v1/auth/refresh', { refresh_token: first.json.refresh_token });
		assert.equal(heir.status, 401, 'its family has ended');
	}));

	test('keeps ended sessions ended, and lets the same person in again', () => inside(async () => {
		assert.equal((await client.post('/v1/auth/logout', { everywhere: true }, { token })).status, 204);
		setBack();
		assert.equal((await client.get('/v1/auth/me', { token })).status, 401);
		const again = await signIn(client);
		assert.equal((await client.get('/v1/auth/me', { token: again.access_token })).status, 200);
	}));

	test('leaves a second factor usable, and a code of it good once', () => inside(async () => {
		await until('time left in this step', () => STEP_MS - Date.now() % STEP_MS > 8000);
		const { secret } = (await client.post('/v1/auth/totp', undefined, { token })).json;
		assert.equal((await client.post('/v1/auth/totp/verify', { code: totpCode(secret) }, { token })).status, 200);
		setBack();
		const answer = async (steps) => {
			const { session } = (await client.post('/v1/auth/login', OWNER)).json;
			return (await client.post('/v1/auth/login/totp', { session, code: totpCode(secret, steps) })).status;
		};
		assert.equal(await answer(STEPS_BACK), 200);
		assert.equal(await answer(STEPS_BACK), 401);
		assert.equal(await answer(0), 401, 'a code of the future');
	}));

	test('keeps API keys good, and revoked ones revoked', () => inside(async () => {
		const make = async (name) => (await client.post('/v1/developer/keys', { name, scopes: ['content:read'] }, { token })).json;
		const kept = await make('kept');
		const revoked = await make('revoked');
		assert.ok(kept.key, JSON.stringify(kept));
		const ask = async ({ key }) => (await client.get('/v1/blog', { headers: { 'x-api-key': key } })).status;
		assert.equal(await ask(kept), 200);
		assert.equal(await ask(revoked), 200);
		assert.ok((await client.delete(`/v1/developer/keys/${revoked.id}`, { token })).status < 300);
		setBack();
		assert.equal(await ask(kept), 200);
		assert.equal(await ask(revoked), 401);
	}));

	test('counts nothing of an hourly limit twice, and hands out the rest', () => inside(async () => {
		const take = async (n) => {
			const replies = [];
			for (let i = 0; i < n; i++)
				replies.push(await client.get('/v1/blog'));
			return replies.filter(({ status }) => status === 200).length;
		};
		assert.equal(await take(30), 30);        // and one for the sign-in
		setBack();
		assert.equal(await take(60), 20);
		assert.equal((await client.get('/v1/blog')).status, 429);
	}, { LIMITS: policyFile([{ name: 'anonymous', algorithm: 'window', limit: 51, period_ms: HOUR_MS }]) }, Client));

	test('lets nobody wait longer than a limit’s own period', () => inside(async () => {
		while ((await client.get('/v1/blog')).status === 200);
		setBack();
		const refused = await client.get('/v1/blog');
		assert.equal(refused.status, 429);
		assert.ok(Number(refused.headers['retry-after']) <= 60, refused.headers['retry-after']);
		await until('the next one passes', async () => (await client.get('/v1/blog')).status === 200);
	}, { LIMITS: policyFile([{ name: 'anonymous', limit: 60, period_ms: 60000, burst: 20 }]) }, Client));

	test('gives the first reply again for an Idempotency-Key of before', () => inside(async () => {
		const headers = { 'idempotency-key': crypto.randomUUID() };
		const first = await client.post('/v1/blog', { title: 'Once' }, { token, headers });
		assert.equal(first.status, 201);
		setBack();
		const { access_token: later } = await signIn(client);
		const again = await client.post('/v1/blog', { title: 'Once' }, { token: later, headers });
		assert.equal(again.status, 201, again.text);
		assert.equal(again.json.id, first.json.id);
		assert.equal((await client.get('/v1/blog?status=all', { token: later })).json.items.length, 1);
	}));

	test('does not hold a retry back whose first request died', () => inside(async () => {
		const headers = { 'idempotency-key': crypto.randomUUID() };
		const first = await client.post('/v1/blog', { title: 'Died' }, { token, headers });
		// As a handler leaves it that is killed in the middle: the marker, its lease, and nothing made.
		const forget = `UPDATE item SET body = json_set(body, '$.state', 'running'), expires_ms = ${Date.now() + 30000}
			WHERE body LIKE '%"fingerprint"%'; SELECT changes();`;
		const { stdout, stderr } = spawnSync('sqlite3', ['-cmd', '.timeout 20000', `${stack.state}/quiver.db`, forget], { encoding: 'utf8' });
		assert.equal(stdout.trim().split('\n').at(-1), '1', stderr);
		const busy = await client.post('/v1/blog', { title: 'Died' }, { token, headers });
		assert.equal(busy.status, 409);
		setBack();
		const { access_token: later } = await signIn(client);
		const again = await client.post('/v1/blog', { title: 'Died' }, { token: later, headers });
		assert.equal(again.status, 201, again.text);
		assert.notEqual(again.json.id, first.json.id);
		assert.equal(again.headers['retry-after'], undefined);
		const replayed = await client.post('/v1/blog', { title: 'Died' }, { token: later, headers });
		assert.equal(replayed.json.id, again.json.id);
	}));

	test('sends the mail that somebody asks for again', () => inside(async () => {
		const folder = path.join(stack.state, 'mail');
		const mails = () => fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.eml')).length : 0;
		const ask = () => client.post('/v1/auth/password/forgot', { email: OWNER.email });
		assert.equal((await ask()).status, 202);
		await until('the first mail', () => mails() === 1);
		setBack();
		assert.equal((await ask()).status, 202);
		await until('the second mail', () => mails() === 2);
	}));

	test('shows nothing before its time, and everything at it', () => inside(async () => {
		const make = async (title) => (await client.post('/v1/blog', { title }, { token })).json;
		const old = await make('Old');
		const soon = await make('Soon');
		const long_ago = new Date(Date.now() - 2 * HOUR_MS).toISOString();
		assert.equal((await client.post(`/v1/blog/${old.id}/publish`, { publish_at: long_ago }, { token })).status, 200);
		const at = Date.now() - HOUR_MS + 4000;         // by the clock that comes
		setBack();
		const { access_token: later } = await signIn(client);
		const scheduled = await client.post(`/v1/blog/${soon.id}/publish`, { publish_at: new Date(at).toISOString() }, { token: later });
		assert.equal(scheduled.status, 200, scheduled.text);
		const seen = async () => (await client.get('/v1/blog')).json.items.map(({ title }) => title);
		for (let early = true; early;) {
			await sleep(100);
			const titles = await seen();
			early = Date.now() - HOUR_MS < at;
			if (early)
				assert.deepEqual(titles, ['Old']);
		}
		await until('it appears', async () => (await seen()).length === 2, 5000);
	}));

	test('says times that fit, and how it is', () => inside(async () => {
		setBack();
		const { access_token: later } = await signIn(client);
		const { status, json } = await client.get('/health/detailed', { token: later });
		assert.equal(status, 200);
		assert.ok(json.uptime_s >= 0);
		assert.ok(Math.abs(Date.now() - HOUR_MS - Date.parse(stack.logLines().at(-1).time)) < 60000);
	}));
});
