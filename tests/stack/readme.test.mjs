// What README.md and handlers/auth/README.md say is so: the tour, the backup and the ways
// in are run as they stand, what is shown of the tree is in the tree, and what is named is there.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, signIn } from './client.mjs';
import {
	BUILD, HANDLERS, OWNER, SERVERS, TOP, cgi, childrenOf, cleanUp, commandOf, freePort, httpRequest, makeRoot, placeOf,
	runHandler, startHandler, startStack, temporaryFolder, until,
} from './harness.mjs';
import { fixedAddress } from './oauth_browser.mjs';

const read = (file) => fs.readFileSync(path.join(TOP, file), 'utf8');
const README = read('README.md');
const AUTH_PAGE = read('handlers/auth/README.md');
const REPLY = '# →';
const elsewhere = process.env.QUIVER_URL && 'it needs a fresh installation and its STATE_DIR';

// The text under a heading of the second level.
function section(title, page = README) {
	const parts = page.split(/^## /m).filter((part) => part.startsWith(`${title}\n`));
	assert.equal(parts.length, 1, `there is one section "${title}"`);
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

// A variable's value, where the text has one of its own.
const set = (variables, values) => steps(variables.replace(/^([A-Z_]+)=.*$/gm, (line, name) => {
	assert.ok(name in values, `${name} is a variable that this test knows`);
	return `${name}='${values[name]}'`;
}));

describe('the tour', () => {
	const [variables, ...rest] = blocks(section('A tour with curl'), 'sh');
	const tour = rest.flatMap(steps);

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
				assertSteps(await run([...set(variables, values), ...tour]));
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

describe('backup, restore and moving', { skip: elsewhere }, () => {
	// Where whoever runs the handlers may read and write; deploy/backup is that of the tree.
	const folder = temporaryFolder();
	const as = `as() { ${process.getuid() === 0 ? 'runuser -u www-data -- ' : ''}"$@"; }`;
	const shown = (title) => blocks(section(title), 'sh')
		.map((block) => steps(`${as}\n${block
			.replaceAll('deploy/backup', placeOf('deploy/backup')).replaceAll('build/bin', placeOf('bin'))}`));
	const [backup, restore] = shown('Backup and restore');
	const [moving] = shown('Moving to another store');
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
		assert.equal(reply.status, 201, reply.text);
		return reply.json.slug;
	}

	// Handlers on that state have what was kept, and take the tokens and passwords of before.
	async function assertLives(root, kept) {
		const content = await startHandler('content', { root });
		const auth = await startHandler('auth', { root });
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
	}

	test('bring back what was acknowledged before, while others write', async () => {
		const kept = [await create('Before the backup')];
		const BACKUP = path.join(folder, 'backup');
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
		const root = makeRoot();
		assertSteps(await run(restore, { STATE_DIR: root.state, BACKUP }));
		await assertLives(root, kept);
	});

	test('takes the whole store along', async () => {
		const slug = await create('To be moved');
		const root = makeRoot();
		fs.copyFileSync(path.join(stack.state, 'secret.key'), path.join(root.state, 'secret.key'));
		const { uid, gid } = fs.statSync(root.state);
		fs.chownSync(path.join(root.state, 'secret.key'), uid, gid);
		assertSteps(await run(moving, {
			STATE_DIR: stack.state, NEW: root.state, FILE: path.join(folder, 'store.ndjson'),
		}));
		await assertLives(root, [slug]);
	});
});

// Programs of the page, and what runs them: `NAME FILE`.
const INTERPRETERS = {
	python: { file: 'program.py', arguments: ['python3'], version: '--version' },
	js: { file: 'program.mjs', arguments: [process.execPath], version: '--version' },
	go: { file: 'program.go', arguments: ['go', 'run'], version: 'version' },
};

// What a program prints, and how it ends, in a folder of its own.
async function runProgram(language, program, variables) {
	const folder = temporaryFolder();
	const { file, arguments: [command, ...more] } = INTERPRETERS[language];
	fs.writeFileSync(path.join(folder, file), program);
	const child = spawn(command, [...more, file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'],
		env: { PATH: process.env.PATH, HOME: folder, ...variables } });
	const said = { out: '', err: '' };
	child.stdout.setEncoding('utf8').on('data', (text) => { said.out += text; });
	child.stderr.setEncoding('utf8').on('data', (text) => { said.err += text; });
	const status = await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
	return { status, ...said };
}

const shownBy = (program) => [...program.matchAll(/^(?:#|\/\/) → (.*)$/gm)].map((match) => match[1]);
const installed = Object.keys(INTERPRETERS).filter((language) => {
	const { arguments: [command], version } = INTERPRETERS[language];
	return spawnSync(command, [version]).status === 0;
});

describe('the ways in', { skip: elsewhere }, () => {
	const PERSON = path.join(TOP, 'tests/stack/readme_person.mjs');
	const [variables, ...rest] = blocks(AUTH_PAGE, 'sh');
	let address, stack, client, token;

	before(async () => {
		address = await fixedAddress();
		stack = await startStack('lighttpd', { env: { PUBLIC_URL: address.url } });
		address.to(stack.url);
		client = new Client(stack.url);
		token = (await signIn(client)).access_token;
	});
	after(async () => {
		client?.close();
		address?.close();
		await stack?.stop();
	});

	// Where the page leaves a value to the reader, by what it says of it.
	const READER = {
		'from the mail to grace@example.org': 'mail "$STATE_DIR" grace@example.org',
		'from the app, with SECRET': 'app "$SECRET"',
		'from the app, with SECRET, half a minute later': 'app-later "$SECRET"',
		'from where the browser comes back to, after ADDRESS': 'browser "$ADDRESS"',
	};
	const byReader = (block) => block.replace(/^([A-Z]+)=x*\S*\s+# (.*)$/gm, (line, name, what) => {
		assert.ok(what in READER, `"${what}" is something that this test does`);
		return `${name}=$(EMAIL="$EMAIL" PASSWORD="$PASSWORD" '${process.execPath}' '${PERSON}' ${READER[what]})`;
	});

	test('go as they are shown, one after the other', async () => {
		const values = { URL: address.url, STATE_DIR: stack.state, EMAIL: OWNER.email, PASSWORD: OWNER.password };
		const list = rest.map(byReader).flatMap(steps);
		assert.ok(list.length >= 20);
		assertSteps(await run([...set(variables, values), ...list]));
	});

	test('are in no language that is not run here', () => {
		const languages = [...AUTH_PAGE.matchAll(/^```(\w*)\n.*?^```$/gms)].map((match) => match[1]);
		assert.deepEqual(new Set(languages), new Set(['sh', 'env', ...Object.keys(INTERPRETERS)]));
	});

	test('that are settings pass the check of the settings', async () => {
		const settings = blocks(AUTH_PAGE, 'env');
		assert.ok(settings.length >= 3);
		for (const block of settings) {
			const said = spawnSync('bash', ['-c', `set -a; ${block}\nenv -0`], { encoding: 'utf8', env: {} }).stdout;
			const env = Object.fromEntries(said.split('\0').filter((line) => /^(AUTH|OIDC|COGNITO|IDENTITY)/.test(line))
				.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
			assert.ok(Object.keys(env).length > 0, block);
			const checked = runHandler('auth', ['--check-config'], env);
			assert.equal(checked.code, 0, `${block}${checked.stderr}`);
		}
	});

	for (const language of installed)
		test(`go as they are shown in ${language}`, async () => {
			const [program] = blocks(section('In Python, JavaScript and Go', AUTH_PAGE), language);
			const made = await client.post('/v1/developer/keys', { name: language, scopes: ['profile'] }, { token });
			const app = await client.post('/v1/auth/clients', { name: language, type: 'confidential',
				scopes: ['content:write'], grant_types: ['client_credentials'] }, { token });
			assert.deepEqual([made.status, app.status], [201, 201], made.text + app.text);
			const ran = await runProgram(language, program, { URL: stack.url, EMAIL: OWNER.email, PASSWORD: OWNER.password,
				KEY: made.json.key, CLIENT_ID: app.json.id, CLIENT_SECRET: app.json.secret });
			assert.equal(ran.status, 0, ran.err);
			assert.equal(shownBy(program).length, 3);
			assert.deepEqual(ran.out.trim().split('\n'), shownBy(program));
		});

	if (installed.includes('python'))
		test('a key rotates itself as the Python says, and not with another key', async () => {
			const [program] = blocks(section('Signed requests', AUTH_PAGE), 'python');
			const made = await client.post('/v1/developer/keys', { name: 'signs', scopes: ['keys:manage'] }, { token });
			assert.equal(made.status, 201, made.text);
			const { id, key } = made.json, URL = stack.url;
			const wrong = await runProgram('python', program,
				{ URL, KEY_ID: '01890a5d-ac96-774b-bcce-b302099a8057', KEY: key });
			assert.match(wrong.err, /HTTP Error 401/);
			const right = await runProgram('python', program, { URL, KEY_ID: id, KEY: key });
			assert.equal(right.status, 0, right.err);
			const fresh = right.out.trim();
			assert.match(fresh, /^qv_live_/);
			assert.notEqual(fresh, key);
			const read = await client.get(`/v1/developer/keys/${id}`, { headers: { 'X-API-Key': fresh } });
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

	for (const file of ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'tests/README.md', 'handlers/auth/README.md'])
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
			for (const [, to, anchor] of text.matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)) {
				const page = to === '' ? text : read(path.join(path.dirname(file), to));
				const names = [...page.matchAll(/^##+ (.*)$/gm)].map(([, name]) =>
					name.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'));
				assert.ok(names.includes(anchor), `${file}: ${to}#${anchor}`);
			}
		});
});
