// The templates that make infrastructure, held against AWS's own description of its resources, and
// Terraform's against its grammar and itself.  What only AWS can say (names taken, quotas, enums) is not here.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import YAML from 'yaml'
import { TOP } from './harness.mjs'


// --- CloudFormation -------------------------------------------------------------------------------------------

const scalar = (tag, make) => ({ tag, resolve: make })
const short = ['Ref', 'Condition', 'Sub', 'GetAtt', 'Join', 'Select', 'Split', 'If', 'Not', 'Equals', 'And', 'Or', 'FindInMap', 'ImportValue', 'Base64']
const tags = short.flatMap(name => {
  const key = ['Ref', 'Condition'].includes(name) ? name : `Fn::${name}`
  const wrap = value => ({ [key]: name === 'GetAtt' && typeof value === 'string' ? value.split('.') : value })
  return [
    scalar(`!${name}`, wrap),
    { tag: `!${name}`, collection: 'seq', resolve: node => wrap(node.toJSON()) },
    { tag: `!${name}`, collection: 'map', resolve: node => wrap(node.toJSON()) }
  ]
})

const readTemplate = file => YAML.parse(fs.readFileSync(file, 'utf8'), { customTags: tags })

const isIntrinsic = value => value !== null && typeof value === 'object' && !Array.isArray(value) &&
  Object.keys(value).length === 1 && /^(Ref|Fn::)/.test(Object.keys(value)[0])

let database
async function spec () {
  database ??= (await import('@aws-cdk/aws-service-spec')).loadAwsServiceSpecSync()
  return database
}

/** What is wrong with a value of that type; a path and words for each. */
function wrongValue (db, type, value, at) {
  if (isIntrinsic(value)) return value['Fn::If'] ? value['Fn::If'].slice(1).flatMap((v, i) => wrongValue(db, type, v, `${at}/If/${i}`)) : []
  if (type.type === 'ref') {
    const definition = db.get('typeDefinition', type.reference.$ref)
    return wrongProperties(db, definition.properties, value, at)
  }
  if (type.type === 'array') return Array.isArray(value) ? value.flatMap((v, i) => wrongValue(db, type.element, v, `${at}/${i}`)) : [`${at}: a list is expected`]
  if (type.type === 'string') return typeof value === 'string' ? [] : [`${at}: text is expected`]
  if (['integer', 'number'].includes(type.type)) return typeof value === 'number' ? [] : [`${at}: a number is expected`]
  if (type.type === 'boolean') return typeof value === 'boolean' ? [] : [`${at}: true or false is expected`]
  return []
}

function wrongProperties (db, known, value, at) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [`${at}: an object is expected`]
  const wrong = Object.entries(known).filter(([name, p]) => p.required && value[name] === undefined).map(([name]) => `${at}: ${name} is missing`)
  for (const [name, v] of Object.entries(value)) {
    if (!known[name]) wrong.push(`${at}/${name}: no such property`)
    else wrong.push(...wrongValue(db, known[name].type, v, `${at}/${name}`))
  }
  return wrong
}

function wrongReferences (template) {
  const names = new Set([...Object.keys(template.Parameters ?? {}), ...Object.keys(template.Resources)])
  const conditions = new Set(Object.keys(template.Conditions ?? {}))
  const wrong = []
  const known = (name, at) => { if (!names.has(name) && !name.startsWith('AWS::')) wrong.push(`${at}: ${name} is not declared`) }
  const walk = (value, at) => {
    if (value === null || typeof value !== 'object') return
    if (typeof value.Ref === 'string') known(value.Ref, at)
    if (value['Fn::GetAtt']) known(value['Fn::GetAtt'][0], at)
    if (value['Fn::If'] && !conditions.has(value['Fn::If'][0])) wrong.push(`${at}: the condition ${value['Fn::If'][0]} is not declared`)
    if (typeof value['Fn::Sub'] === 'string') for (const m of value['Fn::Sub'].matchAll(/\$\{([A-Za-z0-9:]+)/g)) known(m[1], at)
    for (const [name, v] of Object.entries(value)) walk(v, `${at}/${name}`)
  }
  walk(template, '')
  return wrong
}

async function wrongTemplate (template) {
  const db = await spec()
  const wrong = wrongReferences(template)
  for (const [name, resource] of Object.entries(template.Resources)) {
    const known = db.lookup('resource', 'cloudFormationType', 'equals', resource.Type)
    if (known.length === 0) wrong.push(`${name}: no such type ${resource.Type}`)
    else wrong.push(...wrongProperties(db, known[0].properties, resource.Properties ?? {}, name))
  }
  return wrong
}

const templates = fs.readdirSync(path.join(TOP, 'templates')).filter(f => f.endsWith('.yaml'))

for (const file of templates) {
  test(`templates/${file} uses nothing that CloudFormation does not have`, async () => {
    assert.deepEqual(await wrongTemplate(readTemplate(path.join(TOP, 'templates', file))), [])
  })
}

test('a wrong property, type and reference in a template are found', async () => {
  const template = readTemplate(path.join(TOP, 'templates/cognito.yaml'))
  template.Resources.UserPool.Properties.MfaConfguration = 'ON'
  template.Resources.UserPool.Properties.Policies.PasswordPolicy.RequireNumbers = 'maybe'
  template.Resources.Owners.Properties.UserPoolId = { Ref: 'Pool' }
  delete template.Resources.Users.Properties.UserPoolId
  assert.deepEqual((await wrongTemplate(template)).sort(), [
    '/Resources/Owners/Properties/UserPoolId: Pool is not declared',
    'UserPool/MfaConfguration: no such property',
    'UserPool/Policies/PasswordPolicy/RequireNumbers: true or false is expected',
    'Users: UserPoolId is missing'
  ])
})

// --- Terraform ------------------------------------------------------------------------------------------------

const modules = fs.readdirSync(path.join(TOP, 'deploy/terraform'))

async function readModule (name) {
  const { parse } = await import('@cdktf/hcl2json')
  const folder = path.join(TOP, 'deploy/terraform', name)
  const all = { variable: {}, output: {}, resource: {}, locals: {} }
  for (const file of fs.readdirSync(folder).filter(f => f.endsWith('.tf'))) {
    const json = await parse(file, fs.readFileSync(path.join(folder, file), 'utf8'))
    Object.assign(all.variable, json.variable)
    Object.assign(all.output, json.output)
    for (const local of json.locals ?? []) Object.assign(all.locals, local)
    for (const [type, list] of Object.entries(json.resource ?? {})) all.resource[type] = { ...all.resource[type], ...list }
  }
  return all
}

function undeclared (all) {
  const text = JSON.stringify(all)
  const used = [...text.matchAll(/\b(var|local)\.([a-z_]+)/g)].map(m => [m[1], m[2]])
  const resources = [...text.matchAll(/\b(aws_[a-z_]+)\.([a-z_]+)/g)].map(m => [m[1], m[2]])
  return [
    ...used.filter(([kind, name]) => (kind === 'var' ? all.variable : all.locals)[name] === undefined).map(x => x.join('.')),
    ...resources.filter(([type, name]) => all.resource[type]?.[name] === undefined).map(x => x.join('.'))
  ]
}

for (const name of modules) {
  test(`the Terraform module ${name} is whole: it parses, and what it names is declared`, async () => {
    const all = await readModule(name)
    assert.deepEqual(undeclared(all), [])
    for (const [variable, [v]] of Object.entries(all.variable)) assert.ok(v.description && v.type, `${variable} says what it is`)
    for (const [output, [o]] of Object.entries(all.output)) assert.ok(o.description, `${output} says what it is`)
  })
}

test('a Terraform module that names what is not there is found', async () => {
  const all = await readModule('cognito')
  all.resource.aws_cognito_user_pool_client.this[0].user_pool_id = '${aws_cognito_user_pool.pool.id}'
  all.locals.groups = '${var.groups}'
  assert.deepEqual([...new Set(undeclared(all))].sort(), ['aws_cognito_user_pool.pool', 'var.groups'])
})

test('both ways of making a user pool make the same one', async () => {
  const pool = readTemplate(path.join(TOP, 'templates/cognito.yaml')).Resources
  const all = await readModule('cognito')
  const client = all.resource.aws_cognito_user_pool_client.this[0]
  assert.deepEqual(client.explicit_auth_flows, pool.UserPoolClient.Properties.ExplicitAuthFlows)
  assert.deepEqual(client.read_attributes, pool.UserPoolClient.Properties.ReadAttributes)
  assert.equal(client.prevent_user_existence_errors, pool.UserPoolClient.Properties.PreventUserExistenceErrors)
  const groups = Object.values(pool).filter(r => r.Type.endsWith('Group')).map(r => [r.Properties.GroupName, r.Properties.Precedence])
  assert.deepEqual(Object.fromEntries(Object.entries(all.locals.groups).map(([name, g]) => [name, g.precedence])), Object.fromEntries(groups))
  assert.equal(all.variable.password_minimum_length[0].default,
    readTemplate(path.join(TOP, 'templates/cognito.yaml')).Parameters.PasswordMinimumLength.Default)
})
