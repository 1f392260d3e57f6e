// Asio's own functions, compiled once instead of in every file that waits for something.
#include <boost/asio/impl/src.hpp>
