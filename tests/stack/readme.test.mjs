// What README.md says is so: its tour and its backup are run as they stand, what it
// shows of the tree is in the tree, and what it names is there.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, signIn } from './client.mjs';
import {
	BUILD, HANDLERS, OWNER, SERVERS, TOP, cgi, makeRoot, startHandler, startStack, temporaryFolder,
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
