#ifndef NNET_WHOLE_POOLING_STREAM_H_
#define NNET_WHOLE_POOLING_STREAM_H_

// The largest value or the mean of a whole image, channel by channel, while it comes in.

#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_pooling.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void whole_pooling(hls::stream<data_T> &image, hls::stream<res_T> &pooled) {
    typename CONFIG_T::accum_t held[CONFIG_T::n_filt];
    #pragma HLS ARRAY_PARTITION variable=held complete
Pixel:
    for (unsigned i = 0; i < CONFIG_T::in_height * CONFIG_T::in_width; i++) {
        #pragma HLS PIPELINE
        data_T pixel = image.read();
    Channel:
        for (unsigned c = 0; c < CONFIG_T::n_filt; c++) {
            #pragma HLS UNROLL
            typename CONFIG_T::accum_t value = pixel[c];
            if (i == 0)
                held[c] = value;
            else if (CONFIG_T::pool_op == Average)
                held[c] += value;
            else if (value > held[c])
                held[c] = value;
        }
    }
    res_T out;
    PRAGMA_DATA_PACK(out)
Result:
    for (unsigned c = 0; c < CONFIG_T::n_filt; c++) {
        #pragma HLS UNROLL
        if (CONFIG_T::pool_op == Average)
            held[c] /= CONFIG_T::in_height * CONFIG_T::in_width;
        out[c] = held[c];
    }
    pooled.write(out);
}

} // namespace nnet

#endif
