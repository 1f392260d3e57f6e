// Loaded into the program under test (LD_PRELOAD): a look-up of a name that never ends, as behind a name server that
// does not answer. Makes the file that LOOK_UP_BEGUN names.

#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  if (const char* begun = std::getenv("LOOK_UP_BEGUN")) close(open(begun, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  for (;;) pause();
}
