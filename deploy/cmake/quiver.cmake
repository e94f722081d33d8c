# What every target of the project shares, and the one-line declaration of a handler.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(quiver_package NAME MODULE)
  pkg_check_modules(${NAME} REQUIRED IMPORTED_TARGET ${MODULE})
endfunction()

quiver_package(FCGI fcgi)
quiver_package(OPENSSL libcrypto)
quiver_package(JSONC json-c)
quiver_package(JWT libjwt)
quiver_package(SQLITE sqlite3)
quiver_package(ARGON2 libargon2)
quiver_package(HIREDIS hiredis)
# Its headers alone: net/curl_library loads it when something calls out.
quiver_package(CURL libcurl)
# Likewise: store/dynamodb_pack loads it when a body is large.
quiver_package(ZLIB zlib)
# Content's own: Markdown, HTML5, front matter, archives.
quiver_package(CMARK libcmark-gfm)
quiver_package(GUMBO gumbo)
quiver_package(YAML yaml-0.1)
quiver_package(ZLIB zlib)
quiver_package(ZSTD libzstd)
quiver_package(LZMA liblzma)
quiver_package(TOML tomlplusplus)
# Of the archive library the tar format alone: as a shared object it brings XML and ICU,
# 33 MB that are read at every start.
find_library(ARCHIVE_ARCHIVE libarchive.a REQUIRED)

set(QUIVER_LIBRARIES
    PkgConfig::FCGI PkgConfig::OPENSSL PkgConfig::JSONC PkgConfig::JWT
    PkgConfig::SQLITE PkgConfig::ARGON2 PkgConfig::HIREDIS Threads::Threads ${CMAKE_DL_LIBS} m)

add_library(quiver_flags INTERFACE)
target_include_directories(quiver_flags INTERFACE ${PROJECT_SOURCE_DIR}/shared ${CURL_INCLUDE_DIRS} ${ZLIB_INCLUDE_DIRS})
target_compile_definitions(quiver_flags INTERFACE _GNU_SOURCE QUIVER_VERSION="${PROJECT_VERSION}")
target_compile_options(quiver_flags INTERFACE
    -Wall -Wextra -Wno-missing-field-initializers -Wformat=2 -Wundef -Wshadow -Wpointer-arith -Wvla -Wwrite-strings
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>
    -fstack-protector-strong -ffunction-sections -fdata-sections)
# The limiter's cells are 128 bits wide and change by one compare-and-swap.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  target_compile_options(quiver_flags INTERFACE -mcx16)
endif()
target_link_options(quiver_flags INTERFACE -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro,-z,now)
if(QUIVER_WERROR)
  target_compile_options(quiver_flags INTERFACE -Werror)
endif()
if(QUIVER_SANITIZE)
  target_compile_options(quiver_flags INTERFACE -fsanitize=${QUIVER_SANITIZE} -fno-sanitize-recover=all -O1)
  target_link_options(quiver_flags INTERFACE -fsanitize=${QUIVER_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(quiver_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(QUIVER_COVERAGE)
  # Threads and processes count at once.
  target_compile_options(quiver_flags INTERFACE --coverage -O0 -fprofile-update=atomic)
  target_link_options(quiver_flags INTERFACE --coverage)
endif()

function(quiver_target TARGET)
  target_link_libraries(${TARGET} PUBLIC quiver_flags)
endfunction()

# The list of common passwords as C text: a string literal a line.
function(quiver_common_passwords TARGET)
  set(LIST ${PROJECT_SOURCE_DIR}/shared/auth/common_passwords.txt)
  set(OUT ${PROJECT_BINARY_DIR}/generated/auth/common_passwords.inc)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated/auth)
  add_custom_command(OUTPUT ${OUT}
    COMMAND sed -e "/^#/d" -e "s/[\\\\\"]/\\\\&/g" -e "s/.*/\"&\\\\n\"/" ${LIST} > ${OUT}
    DEPENDS ${LIST} VERBATIM)
  target_sources(${TARGET} PRIVATE ${OUT})
  target_include_directories(${TARGET} PRIVATE ${PROJECT_BINARY_DIR}/generated)
endfunction()

# A file as C text, without the lines that are comments: LIBRARY's own #include "NAME.inc".
function(quiver_lua TARGET NAME)
  set(FROM ${PROJECT_SOURCE_DIR}/shared/${NAME}.lua)
  set(OUT ${PROJECT_BINARY_DIR}/generated/${NAME}.inc)
  get_filename_component(DIR ${OUT} DIRECTORY)
  file(MAKE_DIRECTORY ${DIR})
  add_custom_command(OUTPUT ${OUT}
    COMMAND sed -e "s/^[[:space:]]*//" -e "/^--/d" -e "s/[\\\\\"]/\\\\&/g" -e "s/.*/\"&\\\\n\"/" ${FROM} > ${OUT}
    DEPENDS ${FROM} VERBATIM)
  target_sources(${TARGET} PRIVATE ${OUT})
  target_include_directories(${TARGET} PRIVATE ${PROJECT_BINARY_DIR}/generated)
endfunction()

# quiver_handler(NAME [CXX_SOURCES TRUE] [LIBRARIES ...])
# NAME/NAME.c holds main() and the tables; everything beside it is the library
# NAME_endpoints, which tests and the probe link too.
function(quiver_handler NAME)
  cmake_parse_arguments(H "" "CXX_SOURCES" "LIBRARIES" ${ARGN})
  file(GLOB SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/handlers/${NAME}/*.c)
  if(H_CXX_SOURCES)
    file(GLOB MORE CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/handlers/${NAME}/*.cpp)
    list(APPEND SOURCES ${MORE})
  endif()
  list(REMOVE_ITEM SOURCES ${PROJECT_SOURCE_DIR}/handlers/${NAME}/${NAME}.c)
  set(ENDPOINTS "")
  if(SOURCES)
    add_library(${NAME}_endpoints STATIC ${SOURCES})
    target_include_directories(${NAME}_endpoints PUBLIC ${PROJECT_SOURCE_DIR}/handlers)
    target_link_libraries(${NAME}_endpoints PUBLIC quiver ${H_LIBRARIES})
    set(ENDPOINTS ${NAME}_endpoints)
  endif()
  add_executable(${NAME} ${PROJECT_SOURCE_DIR}/handlers/${NAME}/${NAME}.c)
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR}/handlers)
  target_link_libraries(${NAME} PRIVATE ${ENDPOINTS} quiver)
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  set_property(GLOBAL APPEND PROPERTY QUIVER_HANDLERS ${NAME})
endfunction()

# What mails say.
function(quiver_mail_templates)
  set(OUT ${PROJECT_BINARY_DIR}/share/quiver/email)
  file(MAKE_DIRECTORY ${OUT})
  file(GLOB TEMPLATES CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/templates/email
      ${PROJECT_SOURCE_DIR}/templates/email/*.txt ${PROJECT_SOURCE_DIR}/templates/email/*.html)
  foreach(TEMPLATE ${TEMPLATES})
    configure_file(${PROJECT_SOURCE_DIR}/templates/email/${TEMPLATE} ${OUT}/${TEMPLATE} COPYONLY)
  endforeach()
endfunction()

# The viewers of the docs handler: the pages of the tree, and the bundles of the
# npm packages when they are installed (handlers/docs/package-lock.json).
function(quiver_docs_assets)
  set(OUT ${PROJECT_BINARY_DIR}/share/quiver/docs/assets)
  set(MODULES ${PROJECT_SOURCE_DIR}/handlers/docs/node_modules)
  file(MAKE_DIRECTORY ${OUT})
  foreach(PAGE swagger.html swagger-init.js redoc.html redoc-init.js)
    configure_file(${PROJECT_SOURCE_DIR}/templates/docs/${PAGE} ${OUT}/${PAGE} COPYONLY)
  endforeach()
  foreach(BUNDLE swagger-ui-dist/swagger-ui-bundle.js swagger-ui-dist/swagger-ui.css)
    get_filename_component(FILE ${BUNDLE} NAME)
    if(EXISTS ${MODULES}/${BUNDLE})
      configure_file(${MODULES}/${BUNDLE} ${OUT}/${FILE} COPYONLY)
    endif()
  endforeach()
  # Redoc shows its maker's logo from the maker's server; here it is an empty image.
  if(EXISTS ${MODULES}/redoc/bundles/redoc.standalone.js)
    add_custom_command(OUTPUT ${OUT}/redoc.standalone.js
      COMMAND sed "s|https://cdn.redoc.ly/redoc/logo-mini.svg|data:,|g"
              ${MODULES}/redoc/bundles/redoc.standalone.js > ${OUT}/redoc.standalone.js
      DEPENDS ${MODULES}/redoc/bundles/redoc.standalone.js VERBATIM)
    add_custom_target(docs_redoc ALL DEPENDS ${OUT}/redoc.standalone.js)
  endif()
endfunction()
