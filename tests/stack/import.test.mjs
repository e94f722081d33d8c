// Import and export through a web server: the three notations of front matter, archives, NDJSON; what is broken
// is named and the rest goes in; the same again changes nothing; what export gives, import takes.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startStack, until } from './harness.mjs'

const external = process.env.QUIVER_URL !== undefined

// One file of a ustar archive (POSIX.1-1988).
function tarFile (name, content) {
  const bytes = Buffer.from(content)
  const header = Buffer.alloc(512)
  const octal = (n, size) => n.toString(8).padStart(size - 1, '0') + '\0'
  header.write(name, 0, 100)
  header.write(octal(0o644, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(bytes.length, 12), 124)
  header.write(octal(0, 12), 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(octal(header.reduce((n, b) => n + b, 0), 7) + ' ', 148)
  return Buffer.concat([header, bytes, Buffer.alloc((512 - bytes.length % 512) % 512)])
}

const tar = files => Buffer.concat([...Object.entries(files).map(([name, content]) => tarFile(name, content)), Buffer.alloc(1024)])

const files = {
  'content/posts/2024-03-01-yaml.md': '---\ntitle: "In YAML"\ndate: 2024-03-01\ntags: [one, two]\ncategories:\n  - News\ndescription: short\n---\n\nBody of *YAML*.\n',
  'content/posts/toml.md': '+++\ntitle = "In TOML"\ndate = 2024-02-01T10:00:00Z\n[taxonomies]\ntags = ["one"]\n+++\n\nBody of TOML.\n',
  'content/posts/json.md': '{\n  "title": "In JSON",\n  "date": "2024-01-01",\n  "draft": true\n}\n\nBody of JSON.\n',
  'content/posts/broken.md': '---\ntitle: "never closed\ndate: 2024-01-01\n---\n\nBody.\n',
  'content/posts/untitled.md': '---\ndate: 2024-01-02\n---\n\nNo title.\n',
  'content/posts/_index.md': '---\ntitle: Posts\n---\n',
  'static/picture.png': 'not text'
}

describe('import and export', { skip: external && 'needs an installation of its own' }, () => {
  let stack, token
  const start = async () => {
    stack = await startStack('lighttpd')
    token = await stack.signIn()
  }
  before(start)
  after(() => stack?.stop())

  const edit = (method, target, options = {}) => stack.as(token, target, { method, ...options })
  const send = (body, type, query = '') => edit('POST', `/v1/content/import${query}`, { body, headers: { 'Content-Type': type } })
  const sendTar = (list, query) => send(tar(list), 'application/x-tar', query)
  const sendLines = (lines, query) => send(lines.map(l => typeof l === 'string' ? l : JSON.stringify(l)).join('\n'), 'application/x-ndjson', query)
  const get = async slug => (await edit('GET', `/v1/blog/${slug}`)).json()
  const exported = async query => {
    const r = await edit('GET', `/v1/content/export${query}`)
    assert.equal(r.status, 200, r.text)
    return r
  }
  const lines = async () => (await exported('?format=ndjson')).text.split('\n').filter(Boolean).map(JSON.parse)

  async function clear () {
    for (const { collection, id } of await lines()) await edit('DELETE', `/v1/${collection}/${id}`)
  }
  const counts = ({ created, updated, unchanged, failed }) => [created, updated, unchanged, failed]

  beforeEach(clear)

  test('a tar of posts in all notations goes in, and what is broken is named', async () => {
    const r = await sendTar(files)
    assert.equal(r.status, 200, r.text)
    const result = r.json()
    assert.deepEqual(counts(result), [3, 0, 0, 2])
    assert.equal(result.skipped, 2)
    const broken = result.errors.find(e => e.file.endsWith('broken.md'))
    assert.ok(broken.line >= 1 && broken.line <= 4, JSON.stringify(broken))
    const untitled = result.errors.find(e => e.file.endsWith('untitled.md'))
    assert.match(untitled.detail, /title/)
    const yaml = await get('yaml')
    assert.deepEqual([yaml.title, yaml.status, yaml.published_at, yaml.tags, yaml.category, yaml.excerpt],
      ['In YAML', 'published', '2024-03-01T00:00:00.000Z', ['one', 'two'], 'News', 'short'])
    assert.equal((await get('toml')).body.trim(), 'Body of TOML.')
    assert.equal((await get('json')).status, 'draft')
  })

  test('the same import again changes nothing', async () => {
    await sendTar(files)
    const before = await lines()
    const again = (await sendTar(files)).json()
    assert.deepEqual(counts(again), [0, 0, 3, 2])
    assert.deepEqual(await lines(), before)
  })

  test('a changed file changes its post and leaves a revision', async () => {
    await sendTar(files)
    const name = 'content/posts/toml.md'
    const r = (await sendTar({ [name]: files[name].replace('Body of', 'New body of') })).json()
    assert.deepEqual(counts(r), [0, 1, 0, 0])
    const post = await get('toml')
    assert.equal(post.body.trim(), 'New body of TOML.')
    assert.equal(post.version, 2)
    assert.equal((await edit('GET', `/v1/blog/${post.id}/revisions/1`)).json().body.trim(), 'Body of TOML.')
  })

  test('a compressed tar does as well', async () => {
    const r = await send(gzipSync(tar(files)), 'application/gzip')
    assert.deepEqual(counts(r.json()), [3, 0, 0, 2])
  })

  test('a tar that is cut off gives what stood in front', async () => {
    const whole = tar(files)
    const r = await send(whole.subarray(0, 1024 + 1024 + 100), 'application/x-tar')
    assert.equal(r.status, 200, r.text)
    assert.equal(r.json().created, 2)
    assert.ok(r.json().errors.some(e => e.file === null))
    assert.equal((await send(Buffer.from('no archive at all'), 'application/x-tar')).status, 400)
  })

  test('one file goes in under its name', async () => {
    const r = await send(files['content/posts/toml.md'], 'text/markdown', '?name=posts/my-file.md')
    assert.equal(r.json().items[0].slug, 'my-file')
    const named = await edit('POST', '/v1/content/import', { body: files['content/posts/toml.md'],
      headers: { 'Content-Type': 'text/markdown', 'Content-Disposition': 'attachment; filename="other-file.md"' } })
    assert.equal(named.json().items[0].slug, 'other-file')
    assert.equal(named.json().items[0].file, 'other-file.md')
  })

  test('two files of one name under two dates are two posts, each time the same', async () => {
    const twins = {
      'a.md': '+++\ntitle = "Survey 2022"\npath = "2022/12/05/survey"\n+++\nx\n',
      'b.md': '+++\ntitle = "Survey 2019"\npath = "2019/12/02/survey"\n+++\ny\n'
    }
    const first = (await sendTar(twins)).json()
    assert.deepEqual(first.items.map(i => i.slug), ['survey', 'survey-2019'])
    assert.deepEqual(counts((await sendTar(twins)).json()), [0, 0, 2, 0])
    assert.deepEqual(counts((await sendTar({ 'b.md': twins['b.md'] })).json()), [0, 0, 1, 0])
  })

  test('a file whose name is a path of its own gets another slug', async () => {
    const r = (await sendTar({ 'categories.md': '---\ntitle: All categories\n---\nx\n' })).json()
    assert.deepEqual(r.items.map(i => i.slug), ['categories-2'])
  })

  test('a slug that is given twice is refused the second time', async () => {
    const r = (await sendLines([{ title: 'A', slug: 'same' }, { title: 'B', slug: 'same' }])).json()
    assert.deepEqual(counts(r), [1, 0, 0, 1])
    assert.match(r.errors[0].detail, /line 1/)
    assert.equal(r.errors[0].line, 2)
  })

  test('a line is validated as a creation is', async () => {
    const r = (await sendLines([{ title: 'Good' }, '{"title":', { title: 7, nonsense: true }, '[]', '', { slug: 'categories', title: 'x' },
      { title: 'x', status: 'burnt' }])).json()
    assert.deepEqual(counts(r), [1, 0, 0, 5])
    assert.deepEqual(r.errors.map(e => e.line), [2, 3, 4, 6, 7])
    assert.match(r.errors[0].detail, /column/)
    assert.match(r.errors[1].detail, /title .*nonsense|nonsense .*title/)
  })

  test('an import repeated with its key gives its first report, and makes nothing again', async () => {
    const keyed = (key, body) => edit('POST', '/v1/content/import',
      { body, headers: { 'Content-Type': 'application/x-tar', 'Idempotency-Key': key } })
    const first = await keyed('import-1', tar(files))
    assert.deepEqual(counts(first.json()), [3, 0, 0, 2])
    await clear()
    const again = await keyed('import-1', tar(files))
    assert.equal(again.status, 200)
    assert.equal(again.headers['idempotent-replayed'], 'true')
    assert.equal(again.text, first.text)
    assert.deepEqual(await lines(), [])
    assert.equal((await keyed('import-1', tar({ 'x.md': files['content/posts/toml.md'] }))).status, 422)
    assert.deepEqual(counts((await keyed('import-2', tar(files))).json()), [3, 0, 0, 2])
  })

  test('of two imports at once with one key one goes in, and the other is told to wait', async () => {
    const many = Array.from({ length: 1500 }, (_, i) => JSON.stringify({ title: `Post ${i}`, slug: `post-${i}` })).join('\n')
    const both = await Promise.all([1, 2].map(() => edit('POST', '/v1/content/import',
      { body: many, headers: { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'at-once' } })))
    assert.deepEqual(both.map(r => r.status).sort(), [200, 409])
    assert.equal((await lines()).length, 1500)
  })

  test('other collections go in by name', async () => {
    const r = (await sendLines([{ name: 'Tool', technologies: ['C'] }], '?collection=projects')).json()
    assert.deepEqual(counts(r), [1, 0, 0, 0])
    assert.equal((await edit('GET', '/v1/projects/tool')).status, 200)
    const mixed = (await sendLines([{ collection: 'certifications', name: 'Paper' }, { title: 'Post' }])).json()
    assert.deepEqual(counts(mixed), [2, 0, 0, 0])
    assert.equal((await edit('GET', '/v1/certifications/paper')).status, 200)
  })

  test('a type that is none of these is refused', async () => {
    assert.equal((await send('<html>', 'text/html')).status, 415)
  })

  const everything = [
    { collection: 'blog', title: 'Post "one" – ü', slug: 'one', body: 'a\n\n---\n+++\n{}\n\ttab', category: 'c', tags: ['x', 'y'], author: 'me',
      status: 'published', published_at: '2024-01-01T00:00:00.000Z' },
    { collection: 'blog', title: 'Draft', slug: 'draft', body: '---\nno: front matter\n---\n' },
    { collection: 'blog', title: 'Later', slug: 'later', status: 'published', published_at: '2999-01-01T00:00:00.000Z' },
    { collection: 'projects', name: 'Tool', slug: 'tool', technologies: ['C'], featured: true, started_on: '2024-01-01', repository_url: 'https://example.org/x' },
    { collection: 'certifications', name: 'Paper', slug: 'paper', issuer: 'X', type: 't', expires_on: '2020-01-01', status: 'published', published_at: '2019-01-01T00:00:00.000Z' }
  ]

  for (const format of ['ndjson', 'tar']) {
    test(`what is exported as ${format} comes back as it was in an empty installation`, async () => {
      await sendLines(everything)
      const before = await lines()
      const type = format === 'tar' ? 'application/x-tar' : 'application/x-ndjson'
      const { body, headers } = await exported(`?format=${format}`)
      assert.equal(headers['content-type'], type)
      await clear()
      assert.deepEqual(await lines(), [])
      const r = (await send(body, type)).json()
      assert.deepEqual(counts(r), [5, 0, 0, 0], JSON.stringify(r.errors))
      assert.deepEqual(await lines(), before)
    })

    test(`what is exported as ${format} changes nothing where it came from`, async () => {
      await sendLines(everything)
      const { body } = await exported(`?format=${format}`)
      const r = (await send(body, format === 'tar' ? 'application/x-tar' : 'application/x-ndjson')).json()
      assert.deepEqual(counts(r), [0, 0, 5, 0], JSON.stringify(r.errors))
    })
  }

  test('an exported tar is one that tar reads', async () => {
    await sendLines(everything)
    const { body } = await exported('?format=tar&collection=blog')
    const r = spawnSync('tar', ['-tf', '-'], { input: body, encoding: 'utf8' })
    assert.equal(r.status, 0, r.stderr)
    assert.deepEqual(r.stdout.trim().split('\n').sort(), ['blog/draft.md', 'blog/later.md', 'blog/one.md'])
  })

  test('an export of many items has each once', async () => {
    const many = Array.from({ length: 230 }, (_, i) => ({ title: `Post ${i}`, slug: `post-${i}`, body: 'text '.repeat(i * 10) }))
    assert.deepEqual(counts((await sendLines(many)).json()), [230, 0, 0, 0])
    assert.deepEqual((await lines()).map(l => l.slug).sort(), many.map(p => p.slug).sort())
  })

  describe('cut off half-way', () => {
    afterEach(async () => {
      await stack.stop()
      await start()
    })

    test('and repeated it ends as if it had been whole', async () => {
      const at = '2024-01-01T00:00:00.000Z'
      const many = Array.from({ length: 3000 }, (_, i) => ({ id: randomUUID(), title: `Post ${i}`, slug: `post-${i}`, body: 'text', category: `c${i % 3}`,
        status: 'published', published_at: at, created_at: at, updated_at: at }))
      const broken = sendLines(many).then(r => r.status, () => 0)
      await until('it has begun', async () => (await edit('GET', '/v1/blog?limit=1')).json().items.length === 1)
      for (const pid of stack.pids().content) process.kill(pid, 'SIGKILL')
      assert.notEqual(await broken, 200, 'it was cut off')
      await until('the handler is back', async () => (await edit('GET', '/v1/blog?limit=1')).status === 200)
      const kept = (await lines()).length
      assert.ok(kept > 0 && kept < many.length, `${kept} of ${many.length} were in`)
      const r = (await sendLines(many)).json()
      assert.deepEqual(counts(r), [many.length - kept, 0, kept, 0])
      const bySlug = list => list.map(({ id, slug, category, version, updated_at: updated }) => [slug, id, category, version, updated]).sort((a, b) => a[0] < b[0] ? -1 : 1)
      assert.deepEqual(bySlug(await lines()), bySlug(many.map(p => ({ ...p, version: 1 }))))
      assert.deepEqual((await edit('GET', '/v1/blog/categories')).json().items, [0, 1, 2].map(i => ({ name: `c${i}`, count: 1000 })))
    })
  })
})
