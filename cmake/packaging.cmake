# What is installed, and the Debian package (scripts/package). Files for /etc are conffiles: what an
# administrator has changed stays.
include(GNUInstallDirs)
set(AUDITFERRY_DOC ${CMAKE_INSTALL_DATAROOTDIR}/doc/auditferry)

install(TARGETS auditferry RUNTIME DESTINATION bin)
install(FILES systemd/auditferry.service DESTINATION /lib/systemd/system)
install(FILES systemd/auditferry.sysusers DESTINATION lib/sysusers.d RENAME auditferry.conf)
install(FILES config/example.toml DESTINATION /etc/auditferry RENAME auditferry.toml.example)
install(FILES packaging/auditferry.bash-completion DESTINATION share/bash-completion/completions RENAME auditferry)
# Messages name them: "docs/journal.md" is journal.md there. All but the manual pages, so that every link leads somewhere.
install(DIRECTORY docs/ DESTINATION ${AUDITFERRY_DOC} COMPONENT documentation PATTERN man EXCLUDE)
install(FILES packaging/copyright DESTINATION ${AUDITFERRY_DOC})

# Compressed as Debian wants it, and the same bytes each time.
function(auditferry_install_compressed source folder name)
  set(compressed ${PROJECT_BINARY_DIR}/packaging/${name}.gz)
  add_custom_command(OUTPUT ${compressed}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/packaging
    COMMAND gzip -9nc ${source} > ${compressed}
    DEPENDS ${source} VERBATIM)
  string(MAKE_C_IDENTIFIER package_${name} target)
  add_custom_target(${target} DEPENDS ${compressed})
  add_dependencies(auditferry_package ${target})
  install(FILES ${compressed} DESTINATION ${folder} OPTIONAL)
endfunction()
add_custom_target(auditferry_package DEPENDS auditferry)
auditferry_install_compressed(${PROJECT_SOURCE_DIR}/docs/man/auditferry.1 share/man/man1 auditferry.1)
auditferry_install_compressed(${PROJECT_SOURCE_DIR}/docs/man/auditferry.toml.5 share/man/man5 auditferry.toml.5)
auditferry_install_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${AUDITFERRY_DOC} changelog)
configure_file(packaging/changelog.Debian.in ${PROJECT_BINARY_DIR}/packaging/changelog.Debian @ONLY)
auditferry_install_compressed(${PROJECT_BINARY_DIR}/packaging/changelog.Debian ${AUDITFERRY_DOC} changelog.Debian)

# The package needs the program, not every test: scripts/package builds auditferry and auditferry_package.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)  # for what does not go to /usr
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_NAME auditferry)
set(CPACK_PACKAGE_CONTACT "auditferry maintainers <maintainers@auditferry.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "carry audit logs from SaaS portals to files and SIEMs")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"A daemon that polls the audit and device logs of SaaS portals, keeps all it
has fetched in one journal, and delivers from there to files, syslog, Splunk,
Elasticsearch, OpenTelemetry and webhooks. Nothing that a portal has shown is
lost, and what cannot be shown to be complete is recorded as a gap.")
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PROJECT_SOURCE_DIR}/packaging/conffiles ${PROJECT_SOURCE_DIR}/packaging/postinst
  ${PROJECT_SOURCE_DIR}/packaging/prerm ${PROJECT_SOURCE_DIR}/packaging/postrm)
include(CPack)
