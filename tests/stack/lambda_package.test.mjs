// A package for Lambda: what is in it, that it runs with nothing but that, and what is refused.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { BUILD, cleanUp, childrenOf, startStore, temporaryFolder, TOP, binary } from './harness.mjs'
import { sample } from './lambda.mjs'
import { startRuntime } from './lambda_runtime.mjs'

const folder = temporaryFolder()
const run = (command, ...args) => spawnSync(path.join(TOP, 'deploy/lambda', command), args, { encoding: 'utf8', env: { ...process.env, QUIVER_BUILD: BUILD }, timeout: 120000 })
const zip = path.join(folder, 'content.zip')
const made = run('package', '-o', zip, '--bin', path.join(BUILD, 'bin'), 'content')
const event = path.join(TOP, 'events/http-api/get-v1-blog.json')

test('a package says what is in it, and how large that is', () => {
  assert.equal(made.status, 0, made.stderr)
  for (const name of ['bootstrap', 'handlers', 'bin/content', 'lib/ld-linux-', 'lib/libc.so.6', 'lib/libcurl.so.4', 'in all']) assert.ok(made.stdout.includes(name), name)
  assert.doesNotMatch(made.stdout, /libicu|libxml2/)
})

test('the same tree makes the same bytes', () => {
  const again = path.join(folder, 'again.zip')
  assert.equal(run('package', '-o', again, '--bin', path.join(BUILD, 'bin'), 'content').status, 0)
  const digest = file => createHash('sha256').update(fs.readFileSync(file)).digest('hex')
  assert.equal(digest(again), digest(zip))
})

test('a package runs on its own libraries alone, calls of other services too', async () => {
  const root = path.join(folder, 'task')
  assert.equal(spawnSync('unzip', ['-q', zip, '-d', root]).status, 0)
  const store = startStore()
  const table = 'packaged'
  const env = { ...store, STORE: `dynamodb:${table}` }
  const created = spawnSync(binary('auth'), ['--create-table'], { env: { ...process.env, ...env, STATE_DIR: temporaryFolder() }, encoding: 'utf8' })
  assert.equal(created.status, 0, created.stderr)
  const runtime = startRuntime({ root, env: { ...env, LAMBDA_RUN_DIR: path.join(folder, 'run') }, freeze: false, timeoutMs: 20000 })
  cleanUp(() => runtime.kill())
  const result = await runtime.invoke(sample('http-api/get-v1-blog'))
  assert.equal(result.json().statusCode, 200, result.text)
  const [pid] = childrenOf(runtime.pid)
  const mapped = new Set(fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').map(line => line.split(/\s+/)[5]).filter(file => /\.so/.test(file ?? '')))
  assert.ok([...mapped].some(file => file.includes('libcurl')), 'it never called out')
  assert.deepEqual([...mapped].filter(file => !file.startsWith(root)), [])
  await runtime.stop()
})

test('deploy/lambda/invoke prints the reply, and how long it took cold and warm', () => {
  const { status, stdout, stderr } = run('invoke', zip, event)
  assert.equal(status, 0, stderr)
  assert.equal(JSON.parse(stdout).statusCode, 200)
  assert.match(stderr, /^cold: init [\d.]+ ms, duration [\d.]+ ms$/m)
  assert.match(stderr, /^warm: duration [\d.]+ ms$/m)
})

test('deploy/lambda/invoke passes settings on, and nothing else of its environment', () => {
  const { status, stderr } = run('invoke', '--env', 'STORE=nonsense', zip, event)
  assert.equal(status, 0)
  assert.match(stderr, /STORE/)
  assert.equal(run('invoke', '--env', 'LAMBDA_START=init', '--env', 'STORE=nonsense', zip, event).status, 1)
  assert.equal(run('invoke', path.join(folder, 'nothing.zip'), event).status, 66)
  assert.equal(run('invoke').status, 64)
})

test('deploy/lambda/serve puts a package behind HTTP', async () => {
  const child = spawn(path.join(TOP, 'deploy/lambda/serve'), [zip], { stdio: ['ignore', 'pipe', 'ignore'] })
  cleanUp(() => child.kill('SIGKILL'))
  after(() => child.kill('SIGTERM'))
  const url = await new Promise(resolve => child.stdout.once('data', bytes => resolve(bytes.toString().trim())))
  const reply = await fetch(`${url}/v1/blog?limit=5`)
  assert.equal(reply.status, 200)
  assert.deepEqual(await reply.json(), { items: [], next_cursor: null })
  assert.equal((await fetch(`${url}/nowhere`)).status, 404)
})

test('a program of another project is packaged with its own prefixes', () => {
  const bin = path.join(folder, 'bin')
  fs.mkdirSync(bin)
  fs.copyFileSync(path.join(BUILD, 'bin/health'), path.join(bin, 'own'))
  fs.chmodSync(path.join(bin, 'own'), 0o755)
  fs.writeFileSync(path.join(bin, 'own.prefixes'), '/health\n')
  const own = path.join(folder, 'own.zip')
  assert.equal(run('package', '-o', own, '--bin', bin, 'own').status, 0)
  assert.equal(spawnSync('unzip', ['-p', own, 'handlers'], { encoding: 'utf8' }).stdout, '/health bin/own\n')
})

test('a program that needs a newer C library than the package has is refused', () => {
  const bin = path.join(folder, 'newer')
  fs.mkdirSync(bin)
  const bytes = fs.readFileSync(path.join(BUILD, 'bin/health'))
  const at = bytes.indexOf('GLIBC_2.34\0')
  assert.ok(at > 0)
  bytes.write('GLIBC_2.99', at)
  fs.writeFileSync(path.join(bin, 'newer'), bytes, { mode: 0o755 })
  fs.writeFileSync(path.join(bin, 'newer.prefixes'), '/newer\n')
  const { status, stderr } = run('package', '-o', path.join(folder, 'newer.zip'), '--bin', bin, 'newer')
  assert.equal(status, 1)
  assert.match(stderr, /newer needs GLIBC_2\.99, and the C library of this package has no more than GLIBC_2\.\d+/)
  assert.ok(!fs.existsSync(path.join(folder, 'newer.zip')))
})

test('a handler that there is not is refused', () => {
  const { status, stderr } = run('package', '--bin', path.join(BUILD, 'bin'), 'nothing')
  assert.equal(status, 1)
  assert.match(stderr, /there is no .*\/nothing/)
  assert.equal(run('package').status, 64)
})
