// What README.md says is so: its tour and its backup are run as they stand, what it
// shows of the tree is in the tree, and what it names is there.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, signIn } from './client.mjs';
import {
	BUILD, HANDLERS, OWNER, SERVERS, TOP, cgi, childrenOf, cleanUp, commandOf, freePort, httpRequest, makeRoot,
	startHandler, startStack, temporaryFolder, until,
} from './harness.mjs';

const read = (file) => fs.readFileSync(path.join(TOP, file), 'utf8');
const README = read('README.md');
const REPLY = '# →';
const elsewhere = process.env.QUIVER_URL && 'it needs a fresh installation and its STATE_DIR';

// The text under a heading of the second level.
function section(title) {
	const parts = README.split(/^## /m).filter((part) => part.startsWith(`${title}\n`));
	assert.equal(parts.length, 1, `README.md has one section "${title}"`);
	return parts[0];
}

const blocks = (text, language) =>
	[...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]);

// Steps of a block: commands, and the lines that show what they reply.
function steps(block) {
	const list = [];
	let step;
	for (const line of block.split('\n')) {
		const isReply = line.startsWith(REPLY);
		if (step === undefined || (!isReply && step.replies.length > 0)) {
			step = { commands: [], replies: [] };
			list.push(step);
		}
		if (isReply)
			step.replies.push(line.slice(REPLY.length).trim());
		else
			step.commands.push(line);
	}
	return list.filter(({ commands }) => commands.some((line) => line.trim() !== ''));
}

// Runs the steps in one shell; gives each its status and what it printed.
async function run(list, variables = {}) {
	const folder = temporaryFolder();
	const script = list.map(({ commands }, i) => `${commands.join('\n')}\nprintf '\\036%d\\036' $?\n`).join('');
	fs.writeFileSync(path.join(folder, 'script'), script);
	const child = spawn('bash', ['script'], {
		cwd: folder, env: { PATH: process.env.PATH, HOME: folder, ...variables }, stdio: ['ignore', 'pipe', 'pipe'],
	});
	const said = { out: '', err: '' };
	child.stdout.setEncoding('utf8').on('data', (text) => { said.out += text; });
	child.stderr.setEncoding('utf8').on('data', (text) => { said.err += text; });
	await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
	const parts = said.out.split('\x1e');
	return list.map((step, i) => ({ ...step, printed: parts[2 * i], status: Number(parts[2 * i + 1]), errors: said.err }));
}

// Every piece of a shown reply between two "…", in this order.
function assertShown(reply, { printed, commands }) {
	let at = 0;
	for (const piece of reply.split('…').map((text) => text.trim())) {
		const found = printed.indexOf(piece, at);
		assert.notEqual(found, -1,
			`${commands.join('\n')}\nshould print\n${reply}\nand "${piece}" is not in its place in\n${printed}`);
		at = found + piece.length;
	}
}

function assertSteps(results) {
	for (const step of results) {
		assert.equal(step.status, 0, `${step.commands.join('\n')}\nended with ${step.status}: ${step.printed}${step.errors}`);
		for (const reply of step.replies)
			assertShown(reply, step);
	}
}

describe('the tour', () => {
	const [variables, ...rest] = blocks(section('A tour with curl'), 'sh');
	const tour = rest.flatMap(steps);

	// A variable's value, where the text has one of its own.
	const set = (values) => steps(variables.replace(/^([A-Z]+)=.*$/gm, (line, name) => {
		assert.ok(name in values, `${name} is a variable that this test knows`);
		return `${name}='${values[name]}'`;
	}));

	test('shows a reply to every command', () => {
		assert.ok(tour.length >= 20);
		for (const { commands, replies } of tour)
			assert.ok(replies.length > 0, commands.join('\n'));
	});

	test('has every curl of the README', () => {
		const count = (text) => text.split('curl -').length - 1;
		assert.equal(count(README), count(tour.flatMap(({ commands }) => commands).join('\n')));
	});

	for (const kind of SERVERS) {
		test(`goes as it is shown behind ${kind}`, { skip: elsewhere }, async () => {
			const stack = await startStack(kind);
			try {
				const values = { URL: stack.url, EMAIL: OWNER.email, PASSWORD: OWNER.password };
				assertSteps(await run([...set(values), ...tour]));
			} finally {
				await stack.stop();
			}
		});
	}
});

// The blocks of a server, as root when root runs the tests: from a folder that is no checkout of root's.
describe('behind a web server', { skip: elsewhere }, () => {
	const [named, ...servers] = blocks(section('Behind a web server'), 'sh');
	const KINDS = { lighttpd: 'SIGINT', 'apache-fcgid': 'SIGTERM', nginx: 'SIGQUIT' };
	const kindOf = (block) => /deploy\/configure ([\w-]+)/.exec(block)[1];
	const root = temporaryFolder();
	let port;

	before(() => {
		fs.chmodSync(root, 0o755);
		fs.mkdirSync(path.join(root, 'srv'));
		fs.cpSync(path.join(TOP, 'deploy'), path.join(root, 'deploy'), { recursive: true });
		for (const part of ['bin', 'share'])
			fs.cpSync(path.join(BUILD, part), path.join(root, 'build', part), { recursive: true });
	});

	// The last line becomes the shell itself, so that its pid is the server's.
	async function start(block, state) {
		const at = block.trimEnd().lastIndexOf('\n') + 1;
		const script = `set -e\n${named.replace(/^(export STATE_DIR=).*$/m, `$1${state}`)}
${block.slice(0, at)}exec ${block.slice(at)}`.replaceAll('--port 8080', `--port ${port}`);
		const out = fs.openSync(path.join(root, 'said'), 'w');
		const child = spawn('bash', ['-c', script], { cwd: root, detached: true, stdio: ['ignore', out, out],
			env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, OWNER_EMAIL: OWNER.email, OWNER_PASSWORD: OWNER.password } });
		fs.closeSync(out);
		const ended = new Promise((resolve) => child.once('exit', resolve));
		cleanUp(() => process.kill(-child.pid, 'SIGKILL'));
		await until('every handler answers', async () => {
			if (child.exitCode !== null)
				throw Object.assign(new Error(fs.readFileSync(path.join(root, 'said'), 'utf8')), { fatal: true });
			for (const target of ['/health', '/v1/auth/me', '/v1/blog', '/nope'])
				if ((await httpRequest(`http://127.0.0.1:${port}`, target, { timeoutMs: 5000 })).status >= 500)
					return false;
			return true;
		}, 30000);
		return { child, ended };
	}

	// The handlers end with the group; those of a server that made one of its own end with it.
	async function stop({ child, ended }, signal) {
		child.kill(signal);
		await ended;
		try { process.kill(-child.pid, 'SIGTERM'); } catch { /* nobody is left */ }
	}

	const asRoot = process.getuid() === 0 ? false : 'it is about root';
	const below = (pid) => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
	const ownerOf = (name) => fs.statSync(name).uid;

	async function assertServes() {
		const client = new Client(`http://127.0.0.1:${port}`);
		const { access_token: token } = await signIn(client);
		const made = await client.post('/v1/blog', { title: 'A post' }, { token });
		assert.equal(made.status, 201, made.text);
		assert.equal((await client.get('/nope')).json.type, '/problems/not-found');
		client.close();
	}

	test('every server that the README starts is known here', () => {
		assert.deepEqual(servers.map(kindOf).sort(), Object.keys(KINDS).sort());
	});

	for (const block of servers) {
		const kind = kindOf(block);
		describe(`${kind} as it is shown`, () => {
			const state = path.join(root, 'srv', kind);
			let server;
			before(async () => {
				port = await freePort();
				server = await start(block, state);
			});
			after(() => server && stop(server, KINDS[kind]));

			test('answers, and keeps what it is given', assertServes);

			test('leaves no worker and no handler to root', { skip: asRoot }, () => {
				const works = [...HANDLERS, 'nginx', 'apache2'];
				const pids = below(server.child.pid).filter((pid) => works.includes(commandOf(pid)));
				assert.ok(pids.length >= HANDLERS.length, `${pids.length} of them`);
				for (const pid of kind === 'lighttpd' ? [server.child.pid, ...pids] : pids)
					assert.notEqual(ownerOf(`/proc/${pid}`), 0, commandOf(pid));
			});

			test('has a process of root’s write where root alone does', { skip: asRoot }, () => {
				assert.notEqual(ownerOf(state), 0);
				const files = fs.readdirSync(state, { recursive: true }).map((name) => path.join(state, name));
				assert.deepEqual(files.filter((name) => ownerOf(name) === 0), []);
				if (kind !== 'lighttpd')
					assert.equal(ownerOf(`${state}-server`), 0);
			});
		});
	}
});

describe('backup and restore', { skip: elsewhere }, () => {
	const [backup, restore] = blocks(section('Backup and restore'), 'sh').map(steps);
	const BACKUP = path.join(temporaryFolder(), 'backup');
	let stack, client, token;

	before(async () => {
		stack = await startStack('lighttpd');
		client = new Client(stack.url);
		token = (await signIn(client)).access_token;
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});

	async function create(title) {
		const reply = await client.post('/v1/blog', { title }, { token });
		assert.equal(reply.status, 201);
		return reply.json.slug;
	}

	// As the harness has it: everything in the folder belongs to the user of the handlers.
	function handOver(folder) {
		const { uid, gid } = fs.statSync(folder);
		for (const name of fs.readdirSync(folder))
			fs.chownSync(path.join(folder, name), uid, gid);
	}

	async function startFrom(state) {
		const root = makeRoot();
		fs.rmSync(root.state, { recursive: true });
		fs.renameSync(state, root.state);
		const { uid, gid } = fs.statSync(root.run);
		fs.chownSync(root.state, uid, gid);
		fs.mkdirSync(root.log);
		handOver(root.state);
		return { content: await startHandler('content', { root }), auth: await startHandler('auth', { root }) };
	}

	test('bring back what was acknowledged before, while others write', async () => {
		const kept = [await create('Before the backup')];
		let going = true;
		const writing = (async () => {
			for (let i = 0; going; i++)
				await create(`During the backup ${i}`);
		})();
		try {
			for (let i = 0; i < 20; i++)
				kept.push(await create(`Kept ${i}`));
			assertSteps(await run(backup, { STATE_DIR: stack.state, BACKUP }));
		} finally {
			going = false;
			await writing;
		}

		const STATE_DIR = path.join(temporaryFolder(), 'restored');
		assertSteps(await run(restore, { STATE_DIR, BACKUP }));
		const { content, auth } = await startFrom(STATE_DIR);
		try {
			const body = JSON.stringify(OWNER);
			const signedIn = await auth.fcgi(cgi('POST', '/v1/auth/login',
				{ CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(body.length) }), { body });
			assert.equal(signedIn.status, 200, signedIn.text);
			for (const bearer of [token, signedIn.json().access_token])
				for (const slug of kept) {
					const reply = await content.fcgi(cgi('GET', `/v1/blog/${slug}`, { HTTP_AUTHORIZATION: `Bearer ${bearer}` }));
					assert.equal(reply.status, 200, `${slug}: ${reply.text}`);
				}
		} finally {
			await content.stop();
			await auth.stop();
		}
	});
});

const python = spawnSync('python3', ['--version']).status === 0;

describe('signed requests', { skip: elsewhere || (!python && 'there is no python3') }, () => {
	const [program] = blocks(section('Signed requests'), 'python');
	let stack, client, token, key;

	before(async () => {
		stack = await startStack('lighttpd');
		client = new Client(stack.url);
		token = (await signIn(client)).access_token;
		const made = await client.post('/v1/developer/keys', { name: 'signs', scopes: ['keys:manage'] }, { token });
		assert.equal(made.status, 201, made.text);
		key = made.json;
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});

	const runPython = (variables) => new Promise((resolve) => {
		const child = spawn('python3', ['-c', program], {
			env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables }, stdio: ['ignore', 'pipe', 'pipe'],
		});
		const said = { out: '', err: '' };
		child.stdout.setEncoding('utf8').on('data', (text) => { said.out += text; });
		child.stderr.setEncoding('utf8').on('data', (text) => { said.err += text; });
		child.on('close', (status) => resolve({ status, ...said }));
	});

	test('a key rotates itself as the Python says, and not with another key', async () => {
		const wrong = await runPython({ URL: stack.url, KEY_ID: '01890a5d-ac96-774b-bcce-b302099a8057', KEY: key.key });
		assert.match(wrong.err, /HTTP Error 401/);
		const right = await runPython({ URL: stack.url, KEY_ID: key.id, KEY: key.key });
		assert.equal(right.status, 0, right.err);
		const fresh = right.out.trim();
		assert.match(fresh, /^qv_live_/);
		assert.notEqual(fresh, key.key);
		const read = await client.get(`/v1/developer/keys/${key.id}`, { headers: { 'X-API-Key': fresh } });
		assert.equal(read.status, 200, read.text);
	});
});

describe('what the README shows and names', () => {
	test('the example’s rows are those of its file', () => {
		const shown = [...README.matchAll(/^<!-- from (\S+):.*-->\n```c\n(.*?)^```$/gms)];
		assert.equal(shown.length, 1);
		const [, file, text] = shown[0];
		assert.ok(read(file).includes(text), `${file} has the rows that README.md shows`);
	});

	test('the example is a handler that says what it answers', () => {
		const r = spawnSync(path.join(BUILD, 'tests/example/greeting'), ['--routes'], { encoding: 'utf8' });
		assert.equal(r.status, 0, r.stderr);
		for (const [, pathOf] of README.matchAll(/\.path = "([^"]+)"/g))
			assert.ok(r.stdout.includes(pathOf), pathOf);
	});

	test('the table of handlers has every one', () => {
		for (const name of HANDLERS)
			assert.ok(README.includes(`\`handlers/${name}\``), name);
	});

	for (const file of ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'tests/README.md'])
		test(`every path that ${file} names exists`, () => {
			const text = read(file);
			const linked = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => path.join(path.dirname(file), match[1]));
			const named = [...text.matchAll(/(?<![\w/.$-])(?:deploy|handlers|shared|templates|tests)\/[\w./-]*\w/g)]
				.map((match) => match[0]).filter((name) => !/NAME|^handlers\/greeting/.test(name));
			assert.ok(linked.length + named.length > 0);
			for (const name of [...linked, ...named])
				assert.ok(fs.existsSync(path.join(TOP, name)), `${file}: ${name}`);
			for (const [, name] of text.matchAll(/build\/bin\/([a-z]+)/g))
				assert.ok(HANDLERS.includes(name), `${file}: build/bin/${name}`);
			for (const [, anchor] of text.matchAll(/\]\(#([^)]+)\)/g))
				assert.match(text, new RegExp(`^## ${anchor.replaceAll('-', '[ -]')}$`, 'im'), `${file}: #${anchor}`);
		});
});
