// An acknowledged write survives kill -9 of every process at any point, and nothing
// is ever half done.
//
// Editors create, change, publish, unpublish and delete items of their own, with an
// Idempotency-Key for what creates.  Meanwhile processes are killed: a content
// process, all handlers, or all with the web server.  An editor that gets no answer
// finds out what happened: the write is there as a whole or not at all, and a retry
// makes no second item.  In the end all that was acknowledged is compared with all
// that can be read: items, slugs, lists, counts, search and export.
// ROUNDS: kills, 200 by default.  SEED: the seed of the choices.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { describe, test } from 'node:test';
import { Client, inParallel, signIn } from './client.mjs';
import { startStack, until, USES_SQLITE } from './harness.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 200);
const SEED = Number(process.env.SEED ?? crypto.randomInt(2 ** 31));
// Of two processes both are often dead at once, and lighttpd looks once a second.
const EDITORS = 8, PROCESSES = 3;
const LOOK_EVERY = 25;          // rounds from one integrity check to the next
const CATEGORIES = ['red', 'green', 'blue'], TAGS = ['a', 'b', 'c', 'd', 'e'];
const KINDS = {
	blog: { title: 'title', group: 'category', labels: 'tags', facets: 'categories', counts: 'category' },
	projects: { title: 'name', labels: 'technologies', facets: 'technologies', counts: 'technologies' },
};

// Mulberry32: the same choices for the same seed.
function randomOf(seed) {
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// One installation and whoever works on it.
class Site {
	constructor(stack, token) {
		Object.assign(this, { stack, token, done: false, acknowledged: 0, unanswered: 0, replayed: 0,
			resumed: 0 });
		this.connect();
	}

	connect() {
		this.client?.close();
		this.client = new Client(this.stack.url);
	}

	// A reply of a handler, or undefined: then nobody knows.
	async ask(method, path, options = {}) {
		try {
			const reply = await this.client.request(method, path,
				{ token: this.token, within: 15000, ...options });
			return reply.status < 500 ? reply : undefined;
		} catch {
			return undefined;
		}
	}

	insist(method, path, options) {
		return until(`${method} ${path}`, () => this.ask(method, path, options), 60000);
	}
}

class Editor {
	constructor(site, name, random) {
		Object.assign(this, { site, name, random, serial: 0, items: [], gone: [], unsure: [],
			fresh: new Set() });
	}

	pick(list) {
		return list[Math.floor(this.random() * list.length)];
	}

	fields(kind) {
		const { title, group, labels } = KINDS[kind];
		return { [title]: `${this.name} ${++this.serial}`,
			[labels]: TAGS.filter(() => this.random() < 0.4),
			...(group && { [group]: this.pick(CATEGORIES) }) };
	}

	async work() {
		while (!this.site.done) {
			const dice = this.random();
			const step = this.items.length < 3 || dice < 0.35 ? this.create() :
				dice < 0.65 ? this.change() : dice < 0.85 ? this.publish() :
					dice < 0.95 ? this.unpublish() : this.remove();
			if (!await step) {
				this.site.unanswered++;
				await this.review();
			}
		}
	}

	async create() {
		const kind = this.pick(Object.keys(KINDS));
		const attempt = { kind, key: crypto.randomUUID(), fields: this.fields(kind) };
		return await this.tryToCreate(attempt) || (this.unsure.push(attempt), false);
	}

	// Whether it is made now, by this request or by one of before.
	async tryToCreate(attempt) {
		const { kind, key, fields } = attempt;
		const reply = await this.site.ask('POST', `/v1/${kind}`,
			{ json: fields, headers: { 'idempotency-key': key } });
		attempt.refused = reply?.status === 409;
		attempt.waited ||= attempt.refused;
		if (reply === undefined || attempt.refused)
			return false;
		assert.equal(reply.status, 201, reply.text);
		if (reply.headers['idempotent-replayed'])
			this.site.replayed++;
		else if (attempt.waited)
			this.site.resumed++;
		const item = { kind, state: reply.json, wanted: undefined };
		assert.equal(item.state.version, 1);
		this.items.push(item);
		this.acknowledge(item);
		return true;
	}

	acknowledge(item) {
		this.site.acknowledged++;
		this.fresh.add(item);
	}

	// `expect` is what the item becomes, over what it is.
	async update(item, method, suffix, json, expect) {
		item.wanted = expect;
		const path = `/v1/${item.kind}/${item.state.id}${suffix}`;
		const reply = await this.site.ask(method, path,
			{ json });
		if (reply === undefined)
			return false;
		assert.equal(reply.status, 200, `${method} ${path}: ${reply.text}`);
		assertBecame(reply.json, item.state, expect, `${method} ${path}`);
		item.state = reply.json;
		item.wanted = undefined;
		this.acknowledge(item);
		return true;
	}

	change() {
		const item = this.pick(this.items);
		const fields = this.fields(item.kind);
		return this.update(item, 'PATCH', '', fields, fields);
	}

	publish() {
		return this.update(this.pick(this.items), 'POST', '/publish', {}, { status: 'published' });
	}

	unpublish() {
		return this.update(this.pick(this.items), 'POST', '/unpublish', undefined, { status: 'draft' });
	}

	async remove() {
		const item = this.pick(this.items);
		item.wanted = null;
		const reply = await this.site.ask('DELETE', `/v1/${item.kind}/${item.state.id}`);
		if (reply === undefined)
			return false;
		assert.equal(reply.status, 204, reply.text);
		this.forget(item);
		this.site.acknowledged++;
		return true;
	}

	forget(item) {
		this.items.splice(this.items.indexOf(item), 1);
		this.fresh.delete(item);
		this.gone.push(item);
	}

	// After a kill: what of mine is there?
	async review() {
		for (const item of new Set([...this.fresh,
			...this.items.filter((i) => i.wanted !== undefined)]))
			await this.look(item);
		this.fresh.clear();
		for (const attempt of [...this.unsure])
			if (await this.tryToCreate(attempt))
				this.unsure.splice(this.unsure.indexOf(attempt), 1);
	}

	// The item is as acknowledged, or as the one unanswered write would have it.
	async look(item) {
		const reply = await this.site.insist('GET', `/v1/${item.kind}/${item.state.id}`);
		if (item.wanted === null && reply.status === 404)
			return this.forget(item);
		assert.equal(reply.status, 200, `${item.state.id} was acknowledged: ${reply.text}`);
		const now = reply.json;
		if (now.version !== item.state.version && item.wanted)
			assertBecame(now, item.state, item.wanted, `unanswered change of ${now.id}`);
		else
			assert.deepEqual(now, item.state);
		item.state = now;
		item.wanted = undefined;
	}
}

function assertBecame(now, before, wanted, what) {
	assert.ok(now.version === before.version + 1 || now.version === before.version,
		`${what}: version ${before.version} became ${now.version}`);
	assert.equal(now.id, before.id);
	for (const [name, value] of Object.entries(wanted))
		assert.deepEqual(now[name], value, `${what}: ${name}`);
}

// --- killing ---------------------------------------------------------------------------

const kill = (pid, signal = 'SIGKILL') => {
	try {
		process.kill(pid, signal);
	} catch (error) {
		assert.equal(error.code, 'ESRCH');
	}
};

const METHODS_OF_MURDER = {
	'a content process': (site, random) => {
		const pids = site.stack.pids().content ?? [];
		if (pids.length > 0)
			kill(pids[Math.floor(random() * pids.length)]);
	},
	'every handler': (site) => Object.values(site.stack.pids()).flat().forEach((pid) => kill(pid)),
	everything: async (site) => {
		const { server } = site.stack;
		kill(server.pid, 'SIGSTOP');    // so that it starts nothing in between
		const pids = Object.values(site.stack.pids()).flat();
		kill(server.pid);
		pids.forEach((pid) => kill(pid));
		await server.exited;
		await site.stack.restart();
		site.connect();
	},
};

async function killInRounds(site, random, editors) {
	for (let round = 1; round <= ROUNDS; round++) {
		const before = site.acknowledged;
		// Mostly not while they are still finding out about the last one.
		if (round % 7 !== 0)
			await until('the editors are at work again',
				() => site.acknowledged >= before + editors.length / 2 ||
				site.failed, 60000);
		// The shortest delays are the likeliest: no more than 60 ms.
		await sleep(60 ** random() - 1);
		if (site.failed)
			return;
		if (round % LOOK_EVERY === 0)
			assertWhole(site.stack);
		const how = round % 10 === 0 ? 'everything' : round % 4 === 0 ?
			'every handler' : 'a content process';
		await METHODS_OF_MURDER[how](site, random);
	}
}

// --- what can be read ----------------------------------------------------------------------

async function listOf(site, path, options) {
	const items = [];
	for (let cursor = ''; cursor !== null;) {
		const reply = await site.insist('GET', `${path}${path.includes('?') ? '&' : '?'}limit=100` +
			(cursor && `&cursor=${cursor}`), options);
		assert.equal(reply.status, 200, reply.text);
		items.push(...reply.json.items);
		cursor = reply.json.next_cursor;
	}
	return items;
}

const idsOf = (items) => items.map((item) => item.id).sort();

async function assertListed(site, kind, items) {
	const { labels, group, facets, counts } = KINDS[kind];
	const published = items.filter((item) => item.status === 'published');
	const path = `/v1/${kind}`;
	const anonymous = { token: undefined };

	const all = await listOf(site, `${path}?status=all`);
	assert.deepEqual(idsOf(all), idsOf(items), `${path}?status=all`);
	const byId = new Map(items.map((item) => [item.id, item]));
	for (const listed of all) {
		const { body: text, ...rest } = byId.get(listed.id);
		assert.deepEqual(listed, rest, `a list has ${listed.id} as it is`);
	}
	assert.deepEqual(idsOf(await listOf(site, `${path}?status=draft`)),
		idsOf(items.filter((item) => item.status === 'draft')), `${path}?status=draft`);

	const seen = await listOf(site, path, anonymous);
	assert.deepEqual(idsOf(seen), idsOf(published), path);
	const times = seen.map((item) => item.published_at);
	assert.deepEqual(times, [...times].sort().reverse(), 'newest first');
	for (const tag of TAGS)
		assert.deepEqual(idsOf(await listOf(site, `${path}?tag=${tag}`, anonymous)),
			idsOf(published.filter((item) => item[labels]?.includes(tag))), `${path}?tag=${tag}`);
	if (group)
		for (const category of CATEGORIES)
			assert.deepEqual(idsOf(await listOf(site, `${path}?${group}=${category}`, anonymous)),
				idsOf(published.filter((item) => item[group] === category)),
				`${path}?${group}=${category}`);

	const counted = {};
	for (const name of published.flatMap((item) => item[counts] ?? []))
		counted[name] = (counted[name] ?? 0) + 1;
	const told = await listOf(site, `${path}/${facets}`, anonymous);
	assert.deepEqual(Object.fromEntries(told.map(({ name, count }) => [name, count])), counted,
		`${path}/${facets}`);
}

async function assertReadable(site, kind, items, gone) {
	const { title } = KINDS[kind];
	await inParallel(items.length, 16, async (i) => {
		const item = items[i];
		for (const name of [item.id, item.slug]) {
			const reply = await site.insist('GET', `/v1/${kind}/${name}`);
			assert.equal(reply.status, 200, `/v1/${kind}/${name}: ${reply.text}`);
			assert.deepEqual(reply.json, item);
		}
		const open = await site.insist('GET', `/v1/${kind}/${item.slug}`, { token: undefined });
		assert.equal(open.status, item.status === 'published' ? 200 : 404);
	});
	await inParallel(gone.length, 16, async (i) => {
		for (const name of [gone[i].id, gone[i].slug])
			assert.equal((await site.insist('GET', `/v1/${kind}/${name}`)).status, 404,
				`${name} was deleted`);
	});
	for (const item of items.filter((i) => i.status === 'published').slice(0, 20)) {
		const found = await listOf(site, `/v1/${kind}?q=${encodeURIComponent(item[title])}`);
		assert.ok(found.some((one) => one.id === item.id), `search finds ${item[title]}`);
	}
	for (const item of items.filter((i) => i.version > 1).slice(0, 20)) {
		const kept = await listOf(site, `/v1/${kind}/${item.id}/revisions`);
		const newest = Array.from({ length: Math.min(item.version - 1, 50) },
			(_, i) => item.version - 1 - i);
		assert.deepEqual(kept.map((one) => one.version), newest, `revisions of ${item.id}`);
	}
}

async function assertExported(site, items) {
	const reply = await site.insist('GET', '/v1/content/export');
	assert.equal(reply.status, 200);
	const lines = reply.text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
	assert.deepEqual(idsOf(lines), idsOf(items));
}

function assertWhole(stack) {
	if (!USES_SQLITE)
		return;
	// Whoever opens it first after a kill keeps the others out for a moment.
	const { stdout, stderr } = spawnSync('sqlite3', ['-readonly', '-cmd', '.timeout 20000',
		`${stack.state}/quiver.db`, 'PRAGMA integrity_check; PRAGMA foreign_key_check;'], { encoding: 'utf8' });
	assert.equal(stdout.trim(), 'ok', stderr);
}

// --- the tests ------------------------------------------------------------------------------------

describe('kill -9', () => {
	test(`${ROUNDS} times loses no acknowledged write and leaves nothing half done`, async (t) => {
		const random = randomOf(SEED);
		const stack = await startStack('lighttpd', { processes: PROCESSES });
		const first = new Client(stack.url);
		const site = new Site(stack, (await signIn(first)).access_token);
		first.close();
		const editors = Array.from({ length: EDITORS }, (_, i) =>
			new Editor(site, `editor${i}`, randomOf(SEED + i + 1)));
		try {
			const work = Promise.all(editors.map((editor) => editor.work()))
				.catch((error) => { site.failed = true; site.done = true; throw error; });
			const killing = killInRounds(site, random,
				editors).finally(() => { site.done = true; });
			await Promise.all([work, killing]);

			// What is still refused, because its first request might yet run, is not
			// made: nobody waits for its lease, and the lists below have no more
			// items than the editors know.
			for (const editor of editors)
				await until(`the retries of ${editor.name}`, async () => {
					await editor.review();
					return editor.unsure.every((attempt) => attempt.refused);
				});
			for (const kind of Object.keys(KINDS)) {
				const states = (list) => editors.flatMap((editor) => editor[list])
					.filter((item) => item.kind === kind).map((item) => item.state);
				await assertReadable(site, kind, states('items'), states('gone'));
				await assertListed(site, kind, states('items'));
			}
			await assertExported(site, editors.flatMap((editor) =>
				editor.items.map((item) => item.state)));
			assertWhole(stack);
			assert.ok(site.unanswered > 0, 'no request was hit: the test tested nothing');
			t.diagnostic(`seed ${SEED}: ${ROUNDS} kills, ${site.acknowledged} acknowledged writes, ` +
				`${site.unanswered} without an answer, ${site.replayed} replayed, ` +
				`${site.resumed} made when their lease was over`);
		} catch (error) {
			console.log(`seed ${SEED}`);
			throw error;
		} finally {
			site.client.close();
			await stack.stop();
		}
	});

	test('in the middle of an import, which is repeated, ends as if it had been whole', async () => {
		const lines = Array.from({ length: 400 }, (_, i) => JSON.stringify({ title: `Imported ${i}`,
			slug: `imported-${i}`, category: CATEGORIES[i % 3], tags: [TAGS[i % 5]],
			body: `Text ${i}. `.repeat(50),
			status: 'published', published_at: '2024-05-06T07:08:09.000Z' })).join('\n');
		const importing = { body: lines, type: 'application/x-ndjson' };
		const contents = async (site) => (await site.insist('GET', '/v1/content/export')).text
			.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
			.map(({ id, created_at, updated_at, ...rest }) => rest)
			.sort((a, b) => a.slug < b.slug ? -1 : 1);

		const random = randomOf(SEED);
		const results = [];
		for (const kills of [0, 5]) {
			const stack = await startStack('lighttpd');
			const client = new Client(stack.url);
			const site = new Site(stack, (await signIn(client)).access_token);
			client.close();
			try {
				let cut = 0;
				for (let i = 0; i < kills; i++) {
					const reply = site.ask('POST', '/v1/content/import', importing);
					await sleep(5 + random() * 60);
					await METHODS_OF_MURDER['a content process'](site, random);
					if (await reply === undefined)
						cut++;
				}
				assert.ok(kills === 0 || cut > 0,
					'no import was cut off: the test tested nothing');
				const last = await site.insist('POST', '/v1/content/import', importing);
				assert.equal(last.status, 200, last.text);
				assert.equal(last.json.failed, 0, last.text);
				results.push(await contents(site));
				assert.equal((await listOf(site, '/v1/blog', { token: undefined })).length,
					400);
				const counts = await listOf(site, '/v1/blog/categories');
				assert.equal(counts.reduce((sum, { count }) => sum + count, 0), 400);
				assertWhole(stack);
			} finally {
				site.client.close();
				await stack.stop();
			}
		}
		assert.deepEqual(results[1], results[0]);
	});
});
