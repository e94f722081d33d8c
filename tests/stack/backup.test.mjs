// deploy/backup: a consistent copy of an installation that writes, and back; and what it refuses.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, signIn } from './client.mjs';
import { Faults } from './faults.mjs';
import { OWNER, cgi, makeRoot, placeOf, startHandler, startStack, temporaryFolder, until } from './harness.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const root = process.getuid() === 0;
const asUser = (command, args) => root ? ['runuser', ['-u', 'www-data', '--', command, ...args]] : [command, args];

const started = (args, env) => {
	const [command, all] = asUser(placeOf('deploy/backup'), args);
	return [command, all, { env: { PATH: process.env.PATH, ...env }, cwd: '/' }];
};

function backup(args, env) {
	const [command, all, options] = started(args, env);
	const { status, stderr } = spawnSync(command, all, { ...options, encoding: 'utf8', timeout: 60000 });
	return { status, stderr };
}

const sha = (file) => spawnSync('sha256sum', [file], { encoding: 'utf8' }).stdout.slice(0, 64);

describe('deploy/backup', { skip: process.env.QUIVER_URL && 'it needs the STATE_DIR of an installation' }, () => {
	const folder = temporaryFolder();
	let stack, client, token;
	const acknowledged = [];

	before(async () => {
		stack = await startStack('lighttpd', { processes: 2 });
		client = new Client(stack.url);
		token = (await signIn(client)).access_token;
		await create('The first');
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});

	async function create(title) {
		try {
			const reply = await client.post('/v1/blog', { title }, { token });
			if (reply.status === 201)
				acknowledged.push(reply.json.id);
		} catch {}                      // nobody knows, and nobody relies on it
	}

	const names = () => fs.readdirSync(folder).sort();
	const to = (name) => path.join(folder, name);
	const good = (name) => {
		const { status, stderr } = backup([to(name)], { STATE_DIR: stack.state });
		assert.equal(status, 0, stderr);
		return to(name);
	};

	test('has everything that was acknowledged before, under load and kill -9', async () => {
		let going = true;
		const writers = Array.from({ length: 4 }, async (_, n) => {
			for (let i = 0; going; i++)
				await create(`Writer ${n}, post ${i}`);
		});
		await until('they write', () => acknowledged.length > 20);
		const kept = [...acknowledged];
		const copying = new Promise((resolve) => {
			const [command, args, options] = started([to('under load')], { STATE_DIR: stack.state });
			spawn(command, args, { ...options, stdio: 'ignore' }).once('close', resolve);
		});
		for (let i = 0; i < 5; i++) {
			await sleep(20);
			for (const pid of stack.pids().content ?? [])
				try { process.kill(pid, 'SIGKILL'); } catch {}
		}
		assert.equal(await copying, 0);
		going = false;
		await Promise.all(writers);

		const elsewhere = makeRoot();
		const { status, stderr } = backup(['--restore', to('under load')], { STATE_DIR: elsewhere.state });
		assert.equal(status, 0, stderr);
		const content = await startHandler('content', { root: elsewhere });
		const auth = await startHandler('auth', { root: elsewhere });
		try {
			const body = JSON.stringify(OWNER);
			const reply = await auth.fcgi(cgi('POST', '/v1/auth/login', { CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(body.length) }), { body });
			assert.equal(reply.status, 200, reply.text);
			for (const id of kept) {
				const found = await content.fcgi(cgi('GET', `/v1/blog/${id}`, { HTTP_AUTHORIZATION: `Bearer ${reply.json().access_token}` }));
				assert.equal(found.status, 200, id);
			}
		} finally {
			await content.stop();
			await auth.stop();
		}
	});

	test('is for its owner alone, and has the key', () => {
		const made = good('private');
		assert.deepEqual(fs.readdirSync(made).sort(), ['SHA256SUMS', 'quiver.db', 'secret.key']);
		for (const name of ['', ...fs.readdirSync(made)])
			assert.equal(fs.statSync(path.join(made, name)).mode & 0o077, 0, name);
		assert.equal(sha(path.join(made, 'secret.key')), sha(path.join(stack.state, 'secret.key')));
	});

	test('overwrites nothing, and says what is missing', () => {
		good('once');
		const again = backup([to('once')], { STATE_DIR: stack.state });
		assert.equal(again.status, 73);
		assert.match(again.stderr, /is there already/);
		assert.equal(backup([to('none')], { STATE_DIR: to('nowhere') }).status, 66);
		assert.equal(backup([to('other')], { STATE_DIR: stack.state, STORE: 'dynamodb:table' }).status, 78);
		assert.equal(backup([], {}).status, 64);
	});

	test('leaves nothing behind when the disk fills', () => {
		const faults = new Faults();
		const full = path.join(folder, 'full');
		fs.mkdirSync(full);
		fs.chmodSync(full, 0o777);
		faults.disk = 'full';
		// The fault is one of all that is written below this folder.
		const { status, stderr } = backup([path.join(full, 'copy')],
			{ ...faults.env, QUIVER_FAULT_BELOW: full, STATE_DIR: stack.state });
		assert.equal(status, 74, stderr);
		assert.match(stderr, /cannot be copied.*(full|I\/O)/);
		assert.ok(faults.hits > 0);
		assert.deepEqual(fs.readdirSync(full), []);
	});

	test('leaves nothing under its name when it is killed', async () => {
		const before_ = names();
		const [command, args, options] = started([to('killed')], { STATE_DIR: stack.state });
		const child = spawn(command, args, { ...options, stdio: 'ignore', detached: true });
		const ended = new Promise((resolve) => child.once('close', resolve));
		await until('it copies', () => names().length > before_.length || child.exitCode !== null);
		try { process.kill(-child.pid, 'SIGKILL'); } catch {}
		await ended;
		if (names().includes('killed'))         // it was faster
			assert.ok(fs.existsSync(path.join(to('killed'), 'SHA256SUMS')));
	});

	test('restores nothing of a copy that was changed', () => {
		const made = good('changed');
		for (const name of ['quiver.db', 'secret.key', 'SHA256SUMS']) {
			const file = path.join(made, name);
			const was = fs.readFileSync(file);
			const other = Buffer.from(was);
			other[Math.floor(other.length / 2)] ^= 1;
			fs.writeFileSync(file, other);
			const elsewhere = makeRoot();
			const { status, stderr } = backup(['--restore', made], { STATE_DIR: elsewhere.state });
			assert.equal(status, 65, `${name}: ${stderr}`);
			assert.deepEqual(fs.readdirSync(elsewhere.state), ['log']);
			fs.writeFileSync(file, was);
		}
		fs.rmSync(path.join(made, 'SHA256SUMS'));
		assert.equal(backup(['--restore', made], { STATE_DIR: makeRoot().state }).status, 66);
	});

	test('restores a copy that is damaged although its sums agree to nowhere', () => {
		const made = good('damaged');
		const file = path.join(made, 'quiver.db');
		const bytes = fs.readFileSync(file);
		bytes.fill(0x5a, 4096, 3 * 4096);
		fs.writeFileSync(file, bytes);
		fs.writeFileSync(path.join(made, 'SHA256SUMS'), `${sha(file)}  quiver.db\n${sha(path.join(made, 'secret.key'))}  secret.key\n`);
		const { status, stderr } = backup(['--restore', made], { STATE_DIR: makeRoot().state });
		assert.equal(status, 65);
		assert.match(stderr, /is not whole/);
	});

	test('puts nothing over an installation unless told, and then puts that aside', async () => {
		const made = good('over');
		const elsewhere = makeRoot();
		const restore = (...flags) => backup(['--restore', ...flags, made], { STATE_DIR: elsewhere.state });
		assert.equal(restore().status, 0);
		const content = await startHandler('content', { root: elsewhere });
		assert.equal((await content.fcgi(cgi('GET', '/v1/blog'))).status, 200);
		assert.equal(restore().status, 73);
		const running = restore('--force');
		assert.equal(running.status, 75, running.stderr);
		assert.match(running.stderr, /stop them first/);
		await content.stop();
		assert.equal(restore('--force').status, 0);
		const aside = fs.readdirSync(elsewhere.state).find((name) => name.startsWith('replaced-'));
		assert.ok(fs.existsSync(path.join(elsewhere.state, aside, 'quiver.db')));
		assert.ok(!fs.readdirSync(elsewhere.state).some((name) => name.endsWith('.shm')));
	});

	test('does nothing as root where another user could put links', { skip: !root && 'only root' }, () => {
		const { status, stderr } = spawnSync(placeOf('deploy/backup'), [to('as root')],
			{ env: { PATH: process.env.PATH, STATE_DIR: stack.state }, encoding: 'utf8' });
		assert.equal(status, 77);
		assert.match(stderr, /runuser -u www-data/);
	});
});
