// The functions of Beast and of Asio's TLS streams, compiled once instead of in every file that speaks HTTP.
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
