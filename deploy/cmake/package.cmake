# Installation: a component a handler, and a .deb a component.
#
#   cmake --install build --component content --prefix /usr
#   cpack --config build/CPackConfig.cmake            (one .deb a handler)
set(QUIVER_DOCS share/quiver/docs)
set(QUIVER_UNITS lib/systemd/system)
# Not in bin: "auth" and "health" are names that others have too.
set(QUIVER_LIBEXEC ${CMAKE_INSTALL_LIBEXECDIR}/quiver)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/${QUIVER_DOCS}/openapi)

# A unit names the executable's place, which is known when it is installed.
function(quiver_install_unit HANDLER UNIT)
  install(CODE "
    set(HANDLER ${HANDLER})
    set(BINDIR \${CMAKE_INSTALL_PREFIX}/${QUIVER_LIBEXEC})
    configure_file(${PROJECT_SOURCE_DIR}/deploy/systemd/${UNIT}.in
        ${PROJECT_BINARY_DIR}/systemd/quiver-${HANDLER}.${UNIT} @ONLY)"
    COMPONENT ${HANDLER})
  install(FILES ${PROJECT_BINARY_DIR}/systemd/quiver-${HANDLER}.${UNIT}
    DESTINATION ${QUIVER_UNITS} COMPONENT ${HANDLER})
endfunction()

function(quiver_package_handler HANDLER)
  # What the handler says of itself, for the docs handler beside it.
  set(PART ${PROJECT_BINARY_DIR}/${QUIVER_DOCS}/openapi/${HANDLER}.json)
  add_custom_command(TARGET ${HANDLER} POST_BUILD
    COMMAND ${HANDLER} --openapi > ${PART} BYPRODUCTS ${PART})

  install(TARGETS ${HANDLER} RUNTIME DESTINATION ${QUIVER_LIBEXEC} COMPONENT ${HANDLER})
  install(FILES ${PART} DESTINATION ${QUIVER_DOCS}/openapi COMPONENT ${HANDLER})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
    DESTINATION share/doc/quiver-${HANDLER} RENAME copyright COMPONENT ${HANDLER})
  install(FILES ${PROJECT_SOURCE_DIR}/README.md
    DESTINATION share/doc/quiver-${HANDLER} COMPONENT ${HANDLER} OPTIONAL)
  quiver_install_unit(${HANDLER} service)
  quiver_install_unit(${HANDLER} socket)

  string(TOUPPER ${HANDLER} KEY)
  foreach(SCRIPT postinst prerm)
    configure_file(${PROJECT_SOURCE_DIR}/deploy/debian/${SCRIPT}.in
      ${PROJECT_BINARY_DIR}/debian/${HANDLER}/${SCRIPT} @ONLY
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
      WORLD_READ WORLD_EXECUTE)
  endforeach()
  set(CPACK_DEBIAN_${KEY}_PACKAGE_NAME quiver-${HANDLER} PARENT_SCOPE)
  set(CPACK_DEBIAN_${KEY}_PACKAGE_SECTION httpd PARENT_SCOPE)
  set(CPACK_DEBIAN_${KEY}_DESCRIPTION "The ${HANDLER} handler of Quiver, an API backend over FastCGI"
    PARENT_SCOPE)
  set(CPACK_DEBIAN_${KEY}_PACKAGE_CONTROL_EXTRA
    "${PROJECT_BINARY_DIR}/debian/${HANDLER}/postinst;${PROJECT_BINARY_DIR}/debian/${HANDLER}/prerm"
    PARENT_SCOPE)
endfunction()

get_property(HANDLERS GLOBAL PROPERTY QUIVER_HANDLERS)
foreach(HANDLER ${HANDLERS})
  quiver_package_handler(${HANDLER})
endforeach()
add_custom_target(handlers DEPENDS ${HANDLERS})
if(TARGET docs_redoc)
  add_dependencies(handlers docs_redoc)
endif()
if(auth IN_LIST HANDLERS)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/templates/email
    DESTINATION share/quiver COMPONENT auth)
endif()
if(docs IN_LIST HANDLERS)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/${QUIVER_DOCS}/assets
    DESTINATION ${QUIVER_DOCS} COMPONENT docs)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL ${HANDLERS})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME quiver)
set(CPACK_PACKAGE_CONTACT "Quiver <quiver@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded when something calls out, so they are not among what the linker knows.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libcurl4, zlib1g")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "lighttpd | nginx | apache2")
include(CPack)
