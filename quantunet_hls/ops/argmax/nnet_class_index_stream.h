#ifndef NNET_CLASS_INDEX_STREAM_H_
#define NNET_CLASS_INDEX_STREAM_H_

// The class of each pixel: the channel with the largest value, the lowest one where several are equal;
// of a single channel whether it exceeds a limit.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void class_index(hls::stream<data_T> &logits, hls::stream<res_T> &classes) {
Pixel:
    for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
        #pragma HLS PIPELINE
        data_T pixel = logits.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
        if (CONFIG_T::n_chan == 1) {
            out[0] = pixel[0] > CONFIG_T::limit() ? 1 : 0;
        } else {
            typename data_T::value_type largest = pixel[0];
            unsigned index = 0;
        Channel:
            for (unsigned c = 1; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                if (pixel[c] > largest) {
                    largest = pixel[c];
                    index = c;
                }
            }
            out[0] = index;
        }
        classes.write(out);
    }
}

} // namespace nnet

#endif
