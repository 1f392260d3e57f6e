// Boost.URL without its library: compiled here once.
#include <boost/url/src.hpp>
